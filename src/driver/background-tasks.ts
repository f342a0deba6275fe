import { errorMessage } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'

/** Work that goes on after the call that began it was answered. */
export interface BackgroundTasks {
  /** Aborted by close. */
  readonly signal: AbortSignal
  /** Remembers a promise until it settles. A rejection is logged, as nobody else may be waiting for it. */
  track(name: string, work: Promise<unknown>): void
  /** Aborts what is running and resolves when it has stopped. */
  close(): Promise<void>
}

export function createBackgroundTasks(log: Log): BackgroundTasks {
  const running = new Set<Promise<unknown>>()
  const abort = new AbortController()
  return {
    signal: abort.signal,
    track(name, work) {
      const settled = work
        .catch((error: unknown) => {
          if (abort.signal.aborted) return
          log.error({ task: name, error: errorMessage(error) }, 'background task failed')
        })
        .finally(() => running.delete(settled))
      running.add(settled)
    },
    async close() {
      abort.abort()
      await Promise.all(running)
    },
  }
}
