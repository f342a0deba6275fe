/** Promise: each consecutive failure of a key doubles its delay, up to a maximum. A success resets the delay. */

export interface BackoffOptions {
  /** Delay after the first failure. */
  readonly baseMs: number
  readonly maxMs: number
  /** Uniform in [0, 1). Shortens each delay by up to half, so that keys that failed together retry at different times. */
  readonly random: () => number
}

export interface Backoff {
  /** Counts a failure. @returns the delay before the next try, in milliseconds */
  failed(key: string): number
  succeeded(key: string): void
  /** Number of keys whose last try failed. */
  failing(): number
}

export function createBackoff({ baseMs, maxMs, random }: BackoffOptions): Backoff {
  const failures = new Map<string, number>()
  return {
    failed(key) {
      const before = failures.get(key) ?? 0
      failures.set(key, before + 1)
      const fullMs = Math.min(maxMs, baseMs * 2 ** before)
      return Math.round(fullMs * (1 - random() / 2))
    },
    succeeded(key) {
      failures.delete(key)
    },
    failing: () => failures.size,
  }
}
