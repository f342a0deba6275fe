import { delay } from '../../lib/clock.ts'
import { errorMessage } from '../../lib/errors.ts'
import type { ServerContext } from '../context.ts'
import { volumeKey } from '../state/records.ts'
import { createVolume } from './create-volume.ts'

const firstDelayMs = 1_000
const longestDelayMs = 60_000

/** Finishes the creates whose outcome is not known, in the background, for as long as that takes. */
export interface CreateReplays {
  /** Replays the stored create of this key until it is settled. Called again while it does, it does nothing. */
  start(key: string): void
  /**
   * Replays every stored create at once, and goes on in the background with those that are not settled
   * by then. Resolves when each was tried, or after `timeoutMs`.
   */
  startAll(timeoutMs: number): Promise<void>
  close(): void
}

export function createCreateReplays(context: ServerContext): CreateReplays {
  const { state, lock, log, clock } = context
  const closing = new AbortController()
  const running = new Set<string>()

  /** One attempt. */
  async function replay(key: string) {
    await lock([key], async () => {
      const intent = state.csi_creates.get(key)
      if (intent === undefined) return
      try {
        await createVolume(context, intent.definition)
        log.info({ volume: key }, 'an unfinished create was finished')
      } catch (error) {
        const settled = state.csi_creates.get(key) === undefined
        log.warn(
          { volume: key, settled, reason: errorMessage(error) },
          'replay of an unfinished create failed',
        )
      }
    })
  }

  async function replayUntilSettled(key: string) {
    const isOver = () => closing.signal.aborted || state.csi_creates.get(key) === undefined
    for (let delayMs = firstDelayMs; !isOver(); delayMs = Math.min(delayMs * 2, longestDelayMs)) {
      await delay(clock, delayMs, closing.signal)
      if (!isOver()) await replay(key)
    }
  }

  const start = (key: string) => {
    if (running.has(key)) return
    running.add(key)
    void replayUntilSettled(key).finally(() => running.delete(key))
  }

  return {
    start,
    async startAll(timeoutMs) {
      const keys = state.csi_creates
        .list()
        .map(({ definition }) => volumeKey(definition.namespace, definition.id))
      const timer = new AbortController()
      const firstTries = Promise.all(keys.map((key) => replay(key)))
      await Promise.race([firstTries, delay(clock, timeoutMs, timer.signal)])
      timer.abort()
      for (const key of keys) start(key)
    },
    close: () => closing.abort(),
  }
}
