/**
 * The pool's one promise: a task starts only when it holds a slot of its group and then one of the
 * pool, higher priorities first, and no more start in an interval than the rate limit allows. As a
 * group has fewer slots than the pool, a group whose tasks hang holds up only its own.
 */
import PQueue from 'p-queue'

export interface PoolOptions {
  /** Tasks at once, over all groups. More than `groupSlots`. */
  readonly poolSlots: number
  /** Tasks at once of one group. */
  readonly groupSlots: number
  /** No more than `tasks` start in each window of `perMs` milliseconds. */
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
  /** Enqueues the task; what waits with a lower priority is overtaken. */
  submit(task: PoolTask): void
  /** Raises a task that still waits to `priority`; anything else is left as it is. */
  raise(id: string, priority: number): void
  /** Drops what has not started. Running tasks go on. */
  clear(): void
}

/** @throws RangeError where one group could fill the pool */
export function createPool({ poolSlots, groupSlots, rateLimit }: PoolOptions): Pool {
  if (poolSlots <= groupSlots) {
    throw new RangeError(
      `the pool needs more slots than one group has, or a group that hangs holds up all: ${poolSlots} for the pool, ${groupSlots} for a group`,
    )
  }
  const pool = new PQueue({
    concurrency: poolSlots,
    interval: rateLimit.perMs,
    intervalCap: rateLimit.tasks,
  })
  const groups = new Map<string, PQueue>()
  // Of each task that has not started: in which of its two queues it stands.
  const waiting = new Map<string, { queue: PQueue; priority: number }>()

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
        return run()
      }
      const enterPool = () => {
        place.queue = pool
        return pool.add(start, { id, priority: place.priority })
      }
      place.queue.add(enterPool, { id, priority }).catch(() => {
        // Tasks never reject, so this is clear() dropping the task.
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
