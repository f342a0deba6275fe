import { delay } from '../../lib/clock.ts'
import { errorMessage } from '../../lib/errors.ts'
import type { ServerContext } from '../context.ts'
import { holdVolumes } from '../hold-volumes.ts'
import { volumeKey } from '../state/records.ts'
import { createVolume } from './create-volume.ts'
import { finishDelete } from './remove-volume.ts'

const firstDelayMs = 1_000
const longestDelayMs = 60_000

/** Repeats creates and deletes with an unknown outcome, in the background, until their outcome is known. */
export interface Replays {
  /** Repeats the stored create or delete of this volume until it is settled. A second call meanwhile does nothing. */
  start(key: string): void
  /**
   * Replays everything that is stored at once, and goes on in the background with what is not settled by
   * then. Resolves when each was tried, or after `timeoutMs`.
   */
  startAll(timeoutMs: number): Promise<void>
  close(): void
}

export function createReplays(context: ServerContext): Replays {
  const { state, log, clock } = context
  const closing = new AbortController()
  const running = new Set<string>()
  const isSettled = (key: string) =>
    state.csi_creates.get(key) === undefined && state.csi_deletes.get(key) === undefined
  const isOver = (key: string) => closing.signal.aborted || isSettled(key)

  /** One attempt. */
  const replay = (key: string) => {
    const [namespace = '', ...rest] = key.split('/')
    return holdVolumes(context, [{ namespace, id: rest.join('/') }], async () => {
      const create = state.csi_creates.get(key)
      if (isOver(key)) return
      const operation = create === undefined ? 'delete' : 'create'
      try {
        if (create === undefined) await finishDelete(context, key, 'gone')
        else await createVolume(context, create.definition, 'gone')
        log.info({ volume: key, operation }, 'finished what was cut short')
      } catch (error) {
        const reason = errorMessage(error)
        log.warn({ volume: key, operation, settled: isSettled(key), reason }, 'replay failed')
      }
    })
  }

  async function replayUntilSettled(key: string) {
    for (let delayMs = firstDelayMs; !isOver(key); delayMs = Math.min(delayMs * 2, longestDelayMs)) {
      await delay(clock, delayMs, closing.signal)
      if (!isOver(key)) await replay(key)
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
      const keys = [
        ...state.csi_creates.list().map(({ definition }) => volumeKey(definition.namespace, definition.id)),
        ...state.csi_deletes.list().map(({ namespace, id }) => volumeKey(namespace, id)),
      ]
      const timer = new AbortController()
      await Promise.race([Promise.all(keys.map(replay)), delay(clock, timeoutMs, timer.signal)])
      timer.abort()
      for (const key of keys) start(key)
    },
    close: () => closing.abort(),
  }
}
