/**
 * Promise: each consecutive failure of a key doubles its delay, up to a maximum. A success resets the delay. A failure
 * before the delay is over leaves it as it is: looking at everything once more, or an event, moves no retry further away.
 */
import type { SteadyClock } from '../../lib/clock.ts'

export interface BackoffOptions {
  /** Delay after the first failure. */
  readonly baseMs: number
  readonly maxMs: number
  /** Uniform in [0, 1). Shortens each delay by up to half, so that keys that failed together retry at different times. */
  readonly random: () => number
  readonly clock: Pick<SteadyClock, 'monotonicMs'>
}

export interface Backoff {
  /** Counts a failure. @returns the delay before the next try, in milliseconds */
  failed(key: string): number
  succeeded(key: string): void
  /** Number of keys whose last try failed. */
  failing(): number
}

export function createBackoff({ baseMs, maxMs, random, clock }: BackoffOptions): Backoff {
  const failures = new Map<string, { readonly count: number; readonly dueMs: number }>()
  return {
    failed(key) {
      const nowMs = clock.monotonicMs()
      const { count, dueMs } = failures.get(key) ?? { count: 0, dueMs: nowMs }
      if (nowMs < dueMs) return Math.ceil(dueMs - nowMs)
      const fullMs = Math.min(maxMs, baseMs * 2 ** count)
      const delayMs = Math.round(fullMs * (1 - random() / 2))
      failures.set(key, { count: count + 1, dueMs: nowMs + delayMs })
      return delayMs
    },
    succeeded(key) {
      failures.delete(key)
    },
    failing: () => failures.size,
  }
}
