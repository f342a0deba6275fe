/** Time as it comes in from outside. Tests give a clock of their own or fake the global timers. */
export interface Clock {
  /** Milliseconds since the Unix epoch. */
  now(): number
  /** Calls `callback` once after `delayMs`; the returned function cancels it. */
  after(delayMs: number, callback: () => void): () => void
}

/** setTimeout turns delays beyond 2^31-1 ms into 1 ms; such a timer is set in pieces. */
const longestTimeoutMs = 2 ** 31 - 1

export const systemClock: Clock = {
  now: () => Date.now(),
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
