import type { Int64 } from '../lib/json.ts'

/** A time as Go writes it in JSON; 0 is Go's zero time. */
export const rfc3339 = (unixMs: number) =>
  unixMs === 0 ? '0001-01-01T00:00:00Z' : new Date(unixMs).toISOString()

/** A time as Nomad's integers of time have it. */
export const unixNanoseconds = (unixMs: number): Int64 =>
  unixMs === 0 ? 0 : BigInt(Math.round(unixMs)) * 1_000_000n
