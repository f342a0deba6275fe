import type { Clock } from '../../src/lib/clock.ts'
import type { Now } from '../../src/operator/plan/now.ts'

export const boot = 'boot-1'

/** The time of a machine that was started at the Unix epoch and whose date never leapt. */
export function nowAt(dateMs: number): Now {
  return {
    dateMs,
    steadyDateMs: dateMs,
    runsForMs: dateMs,
    boot,
    monotonicMs: dateMs,
    uptimeMs: dateMs,
    startedMs: 0,
  }
}

/** A clock without timers. */
export function clockOf(nowMs: () => number): Clock {
  const started = { dateMs: nowMs(), uptimeMs: nowMs() }
  return { now: nowMs, monotonicMs: nowMs, uptimeMs: nowMs, boot, started, after: () => () => {} }
}
