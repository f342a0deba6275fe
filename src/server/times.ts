import type { Int64 } from '../lib/json.ts'

/** A time as Go writes it in JSON. */
export const rfc3339 = (unixMs: number) => new Date(unixMs).toISOString()

/** A time as Nomad's integers of time have it. */
export const unixNanoseconds = (unixMs: number): Int64 =>
  unixMs === 0 ? 0 : BigInt(Math.round(unixMs)) * 1_000_000n
