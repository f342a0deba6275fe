import { type Clock, systemClock } from '../../src/lib/clock.ts'

/** Time that goes `factor` times as fast, for what waits seconds and minutes by a clock of its own. */
export function quickClock(factor: number): Clock {
  const startedAtMs = Date.now()
  const monotonicMs = () => systemClock.monotonicMs() * factor
  return {
    now: () => startedAtMs + (Date.now() - startedAtMs) * factor,
    monotonicMs,
    uptimeMs: monotonicMs,
    boot: systemClock.boot,
    started: { dateMs: startedAtMs, uptimeMs: monotonicMs() },
    after: (delayMs, callback) => systemClock.after(delayMs / factor, callback),
  }
}
