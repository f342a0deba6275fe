/**
 * Promise: a task starts only with a slot of its group and a slot of the pool, higher priorities first, within the rate
 * limit. A group has fewer slots than the pool, so hanging tasks of one group do not block the others.
 */
import PQueue from 'p-queue'
import type { SteadyClock } from '../../lib/clock.ts'

export interface PoolOptions {
  /** Concurrent tasks of all groups together. Must exceed `groupSlots`. */
  readonly poolSlots: number
  /** Concurrent tasks of one group. */
  readonly groupSlots: number
  /** At most `tasks` start in each window of `perMs` milliseconds. */
  readonly rateLimit: { readonly tasks: number; readonly perMs: number }
}

export interface PoolTask {
  /** Unique among the tasks that have not finished. */
  readonly id: string
  readonly group: string
  readonly priority: number
  /** Never rejects. */
  readonly run: () => Promise<void>
}

export interface Pool {
  /** Queues the task before all waiting tasks of lower priority. */
  submit(task: PoolTask): void
  /** Raises a waiting task to `priority`. Does nothing if it has started or its priority is higher. */
  raise(id: string, priority: number): void
  /** Drops the waiting tasks. Running tasks continue. */
  clear(): void
}

/** @throws RangeError if one group could fill the pool */
export function createPool(
  { poolSlots, groupSlots, rateLimit }: PoolOptions,
  clock: Pick<SteadyClock, 'after'>,
): Pool {
  if (poolSlots <= groupSlots) {
    throw new RangeError(
      `poolSlots is ${poolSlots} and groupSlots is ${groupSlots}: one hanging group could block all others. Set poolSlots higher than groupSlots.`,
    )
  }
  const pool = new PQueue({ concurrency: poolSlots })
  let startedInWindow = 0
  const groups = new Map<string, PQueue>()
  // For each waiting task, the queue that it is in: the group's or the pool's.
  const waiting = new Map<string, { queue: PQueue; priority: number }>()

  /** p-queue has a limit of its own, but by the date: a clock that is set back would stop all tasks until then. */
  function countStart() {
    startedInWindow += 1
    if (startedInWindow === 1) {
      clock.after(rateLimit.perMs, () => {
        startedInWindow = 0
        pool.start()
      })
    }
    if (startedInWindow >= rateLimit.tasks) pool.pause()
  }

  function groupQueue(name: string): PQueue {
    const existing = groups.get(name)
    if (existing) return existing
    const queue = new PQueue({ concurrency: groupSlots })
    queue.addEventListener('idle', () => groups.delete(name))
    groups.set(name, queue)
    return queue
  }

  return {
    submit({ id, group, priority, run }) {
      const place = { queue: groupQueue(group), priority }
      waiting.set(id, place)
      const start = () => {
        waiting.delete(id)
        countStart()
        return run()
      }
      const enterPool = () => {
        place.queue = pool
        return pool.add(start, { id, priority: place.priority })
      }
      place.queue.add(enterPool, { id, priority }).catch(() => {
        // Tasks never reject: clear() dropped this one.
      })
    },
    raise(id, priority) {
      const place = waiting.get(id)
      if (!place || priority <= place.priority) return
      place.priority = priority
      place.queue.setPriority(id, priority)
    },
    clear() {
      waiting.clear()
      for (const queue of groups.values()) queue.clear()
      pool.clear()
    },
  }
}
