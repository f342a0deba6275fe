import type { SteadyClock } from './clock.ts'

/** A read that threw is repeated after this. */
const retryMs = 5_000

/**
 * Runs `read` again and again, one at a time. A request during a run causes one more run. `read` resolves with the
 * milliseconds until the next run.
 */
export function createReadingLoop(options: {
  readonly clock: Pick<SteadyClock, 'after'>
  readonly read: (signal: AbortSignal) => Promise<number>
  readonly onError: (error: unknown) => void
}): { read(): void; close(): Promise<void> } {
  const { clock } = options
  const abort = new AbortController()
  let running: Promise<void> | undefined
  let isAskedAgain = false
  let cancelTimer = () => {}

  async function run() {
    do {
      isAskedAgain = false
      cancelTimer()
      let againAfterMs: number
      try {
        againAfterMs = await options.read(abort.signal)
      } catch (error) {
        if (!abort.signal.aborted) options.onError(error)
        againAfterMs = retryMs
      }
      if (abort.signal.aborted) break
      cancelTimer = clock.after(Math.max(0, againAfterMs), start)
    } while (isAskedAgain)
    running = undefined
  }

  function start() {
    if (abort.signal.aborted) return
    if (running === undefined) running = run()
    else isAskedAgain = true
  }

  return {
    read: start,
    async close() {
      abort.abort()
      cancelTimer()
      await running
    },
  }
}
