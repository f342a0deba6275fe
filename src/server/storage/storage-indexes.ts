import { createHash } from 'node:crypto'
import { type Clock, delay } from '../../lib/clock.ts'
import { errorMessage } from '../../lib/errors.ts'
import { stringifyJSON } from '../../lib/json.ts'
import type { Log } from '../../lib/log.ts'
import type { State } from '../state/state.ts'

/** How often a list of a plugin is read again while somebody waits for it to change. */
const pollMs = 2_000

export interface StorageWait {
  /** As in StorageDigest. */
  readonly key: string
  /** The index that the list has to pass. */
  readonly index: number
  readonly waitMs: number
  /** Reads the whole list again. */
  read(): Promise<unknown>
}

/**
 * Indexes for lists that a plugin has and the server does not: a digest of the whole list, kept over restarts,
 * whose change moves the index. However many wait for one list, it is read once a poll.
 */
export interface StorageIndexes {
  /** Takes note of a whole list. @returns its index */
  note(key: string, list: unknown): number
  /** Resolves when the list has passed the index, the wait is over, or the signal aborts. */
  waitForChange(wait: StorageWait, signal: AbortSignal): Promise<void>
  close(): void
}

export function createStorageIndexes(state: State, clock: Clock, log: Log): StorageIndexes {
  const closing = new AbortController()
  const polls = new Map<string, Promise<void>>()

  const note: StorageIndexes['note'] = (key, list) => {
    const digest = createHash('sha256').update(stringifyJSON(list)).digest('hex')
    const known = state.storage_digests.get(key)
    if (known?.digest === digest) return known.modifyIndex
    try {
      state.write(({ put, index }) => put('storage_digests', { key, digest, modifyIndex: index }))
    } catch (error) {
      // A list is a read, and reads go on when the disk is full. The list keeps its old index.
      log.error({ list: key, reason: errorMessage(error) }, 'index of the list is not stored')
    }
    return state.storage_digests.get(key)?.modifyIndex ?? 0
  }

  const poll = async ({ key, read }: StorageWait) => {
    await delay(clock, pollMs, closing.signal)
    if (closing.signal.aborted) return
    try {
      note(key, await read())
    } catch {
      // The plugin is away. Clients go on waiting, and their own read at the end tells them.
    } finally {
      polls.delete(key)
    }
  }

  return {
    note,
    async waitForChange(wait, signal) {
      const { key, index, waitMs } = wait
      const over = new AbortController()
      const timeOut = delay(clock, waitMs, AbortSignal.any([signal, closing.signal, over.signal])).then(() =>
        over.abort(),
      )
      while (!over.signal.aborted && (state.storage_digests.get(key)?.modifyIndex ?? 0) <= index) {
        const polling = polls.get(key) ?? poll(wait)
        polls.set(key, polling)
        await Promise.race([polling, timeOut])
      }
      over.abort()
    },
    close: () => closing.abort(),
  }
}
