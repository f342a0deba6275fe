/** The source of time. Tests use clocks of their own. */
export interface Clock {
  /** Milliseconds since the Unix epoch. */
  now(): number
  /** Calls `callback` once after `delayMs`. Returns the function that cancels it. */
  after(delayMs: number, callback: () => void): () => void
}

/** A clock that nobody can set back. */
export interface SteadyClock extends Clock {
  /** Milliseconds since some moment in the past. It never goes back, but may stand still while the machine sleeps. */
  monotonicMs(): number
}

/** setTimeout turns a longer delay into 1 ms, so such a timer is set in pieces. */
const longestTimeoutMs = 2 ** 31 - 1

export const systemClock: SteadyClock = {
  now: () => Date.now(),
  monotonicMs: () => performance.now(),
  after(delayMs, callback) {
    let timer: NodeJS.Timeout
    const arm = (remainingMs: number) => {
      timer = setTimeout(
        () => (remainingMs > longestTimeoutMs ? arm(remainingMs - longestTimeoutMs) : callback()),
        Math.max(0, Math.min(remainingMs, longestTimeoutMs)),
      )
    }
    arm(delayMs)
    return () => clearTimeout(timer)
  },
}

/**
 * Measures from now on. The result returns the most milliseconds that can have passed: the wall clock may be set back,
 * and the monotonic clock may stand still while the machine sleeps, so the larger of both counts.
 */
export function startStopwatch(clock: Pick<SteadyClock, 'now' | 'monotonicMs'>): () => number {
  const startedAtMs = clock.now()
  const startedAtMonotonicMs = clock.monotonicMs()
  return () => Math.max(clock.now() - startedAtMs, clock.monotonicMs() - startedAtMonotonicMs)
}

/** Resolves after `delayMs`, or as soon as `signal` aborts. */
export function delay(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve()
    const done = () => {
      cancel()
      signal?.removeEventListener('abort', done)
      resolve()
    }
    const cancel = clock.after(delayMs, done)
    signal?.addEventListener('abort', done)
  })
}

/** Calls `callback` each time that `periodMs` have passed. @returns ends it */
export function every(clock: Pick<Clock, 'after'>, periodMs: number, callback: () => void): () => void {
  const next = (): (() => void) =>
    clock.after(periodMs, () => {
      cancel = next()
      callback()
    })
  let cancel = next()
  return () => cancel()
}
