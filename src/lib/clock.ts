/** Time as it comes in from outside. Tests give a clock of their own or fake the global timers. */
export interface Clock {
  /** Milliseconds since the Unix epoch. */
  now(): number
  /** Calls `callback` once after `delayMs`; the returned function cancels it. */
  after(delayMs: number, callback: () => void): () => void
}

/** A clock that also tells how much time has passed for certain. */
export interface SteadyClock extends Clock {
  /** Milliseconds since some moment before; never set back, and may stand still while the machine sleeps. */
  monotonicMs(): number
}

/** setTimeout turns delays beyond 2^31-1 ms into 1 ms; such a timer is set in pieces. */
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
 * Measures from now on. What it returns says how many milliseconds have passed at most: by the wall clock,
 * which runs on while a machine sleeps and may be set back, or by the monotonic one, which is the other way.
 */
export function startStopwatch(clock: Pick<SteadyClock, 'now' | 'monotonicMs'>): () => number {
  const startedAtMs = clock.now()
  const startedAtMonotonicMs = clock.monotonicMs()
  return () => Math.max(clock.now() - startedAtMs, clock.monotonicMs() - startedAtMonotonicMs)
}

/** Resolves after `delayMs`, or as soon as `signal` aborts; the timer never outlives either. */
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
