/**
 * The key queue's one promise: a key is never processed twice at once, and none is forgotten. Adds of a
 * key that waits collapse into one; a key that is added while it is processed is processed once more
 * after. A key that waits and is added with a higher priority is raised.
 */
import type { Clock } from '../../lib/clock.ts'
import type { Pool } from './pool.ts'

/** `change`: something happened to this key. `resync`: one of thousands looked at again to be sure. */
export type Priority = 'change' | 'resync'

const rank: Record<Priority, number> = { resync: 0, change: 1 }

function higher(a: Priority, b: Priority): Priority {
  return rank[a] >= rank[b] ? a : b
}

export interface KeyQueueOptions {
  readonly pool: Pool
  /** Whose slots a key takes; asked each time that the key is enqueued. */
  readonly groupOf: (key: string) => string
  /** Never rejects. `queuedMs`: how long the key waited for its slot. */
  readonly process: (key: string, priority: Priority, queuedMs: number) => Promise<void>
  readonly clock: Pick<Clock, 'now'>
}

export interface KeyQueue {
  add(key: string, priority: Priority): void
  /** Whether processing of the key is still to start. */
  isDue(key: string): boolean
  /** Drops the keys that wait and takes no more; resolves when those in process have ended. */
  close(): Promise<void>
  /** Resolves as soon as no key waits or is in process. */
  whenIdle(): Promise<void>
  /** Keys that wait for a slot. */
  depth(): number
  /** Keys in process. */
  running(): number
  /** Keys that came to wait since the start; what collapsed into one counts once. */
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
    await process(key, before.priority, clock.now() - before.sinceMs)
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
      states.set(key, { type: 'waiting', priority, sinceMs: clock.now() })
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
