/**
 * Promise: a key is never processed twice at the same time, and no key is lost. Several adds of a waiting key count as
 * one, with the highest priority. A key that is added while it is processed is processed once more afterwards.
 */
import type { SteadyClock } from '../../lib/clock.ts'
import type { Pool } from './pool.ts'

/**
 * - `begun`: the key's last pass changed something, and the next one goes on with that. What has begun is finished before
 *   more is begun: of 300 volumes that end together, the first is gone while the last ones have not been touched.
 * - `change`: the key has changed.
 * - `resync`: a regular check of all keys.
 */
export type Priority = 'begun' | 'change' | 'resync'

const rank: Record<Priority, number> = { resync: 0, change: 1, begun: 2 }

function higher(a: Priority, b: Priority): Priority {
  return rank[a] >= rank[b] ? a : b
}

export interface KeyQueueOptions {
  readonly pool: Pool
  /** The group whose slots the key uses. Called each time the key is queued. */
  readonly groupOf: (key: string) => string
  /** Never rejects. `queuedMs`: how long the key waited for its slot. */
  readonly process: (key: string, priority: Priority, queuedMs: number) => Promise<void>
  readonly clock: SteadyClock
}

export interface KeyQueue {
  add(key: string, priority: Priority): void
  /** Whether a pass over the key has still to start. */
  isDue(key: string): boolean
  /** Drops the waiting keys and takes no new ones. Resolves when no key is processed any more. */
  close(): Promise<void>
  /** Resolves when no key waits or is processed. */
  whenIdle(): Promise<void>
  /** Number of keys that wait for a slot. */
  depth(): number
  /** Number of keys that are processed now. */
  running(): number
  /** Number of keys queued since the start. Adds that were merged count once. */
  adds(): number
}

type KeyState =
  | { readonly type: 'waiting'; readonly priority: Priority; readonly sinceMs: number }
  | { readonly type: 'running'; readonly addedMeanwhile?: Priority }

export function createKeyQueue({ pool, groupOf, process, clock }: KeyQueueOptions): KeyQueue {
  const states = new Map<string, KeyState>()
  let running = 0
  let adds = 0
  let closed = false
  let idleListeners: (() => void)[] = []

  function whenIdle(): Promise<void> {
    return new Promise((resolve) => {
      idleListeners.push(resolve)
      announceIdle()
    })
  }

  function announceIdle() {
    if (states.size > 0) return
    const listeners = idleListeners
    idleListeners = []
    for (const listener of listeners) listener()
  }

  async function run(key: string): Promise<void> {
    const before = states.get(key)
    if (before?.type !== 'waiting') return
    states.set(key, { type: 'running' })
    running += 1
    await process(key, before.priority, clock.monotonicMs() - before.sinceMs)
    running -= 1
    const after = states.get(key)
    states.delete(key)
    if (after?.type === 'running' && after.addedMeanwhile) add(key, after.addedMeanwhile)
    announceIdle()
  }

  function add(key: string, priority: Priority) {
    if (closed) return
    const state = states.get(key)
    if (state === undefined) {
      const group = groupOf(key)
      states.set(key, { type: 'waiting', priority, sinceMs: clock.monotonicMs() })
      adds += 1
      pool.submit({ id: key, group, priority: rank[priority], run: () => run(key) })
    } else if (state.type === 'waiting') {
      states.set(key, { ...state, priority: higher(priority, state.priority) })
      pool.raise(key, rank[priority])
    } else {
      states.set(key, {
        type: 'running',
        addedMeanwhile: state.addedMeanwhile ? higher(priority, state.addedMeanwhile) : priority,
      })
    }
  }

  return {
    add,
    isDue(key) {
      const state = states.get(key)
      return state?.type === 'waiting' || state?.addedMeanwhile !== undefined
    },
    close() {
      closed = true
      pool.clear()
      for (const [key, state] of states) if (state.type === 'waiting') states.delete(key)
      return whenIdle()
    },
    whenIdle,
    depth: () => states.size - running,
    running: () => running,
    adds: () => adds,
  }
}
