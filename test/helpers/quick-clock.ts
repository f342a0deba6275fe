import { type Clock, systemClock } from '../../src/lib/clock.ts'

/** Time that goes `factor` times as fast, for what waits seconds and minutes by a clock of its own. */
export function quickClock(factor: number): Clock {
  const startedAtMs = Date.now()
  return {
    now: () => startedAtMs + (Date.now() - startedAtMs) * factor,
    after: (delayMs, callback) => systemClock.after(delayMs / factor, callback),
  }
}
