/**
 * The backoff's one promise: each failure in a row of a key doubles the time until its next try, up to a
 * ceiling, and a success ends the row. Other keys are not touched.
 */

export interface BackoffOptions {
  /** Before the second try. */
  readonly baseMs: number
  readonly maxMs: number
  /** Uniform in [0, 1). Each delay is shortened by up to half of it, so that keys that failed together do not return together. */
  readonly random: () => number
}

export interface Backoff {
  /** Counts a failure; returns how long to wait before the next try, in milliseconds. */
  failed(key: string): number
  succeeded(key: string): void
  /** Keys whose last try failed. */
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
