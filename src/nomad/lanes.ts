/**
 * The lanes' one promise: whatever is asked for, there are never more connections than the 100 that Nomad takes
 * from one address where `http_max_conns_per_client` is not set, and seldom more than two thirds of them.
 */
import PQueue from 'p-queue'

const limits = { read: 12, pluginRead: 6, write: 32, wait: 16, stream: 1 } as const

/** A write's connection may still be closing when the next one's is open. */
export const connectionLimit = Object.values(limits).reduce<number>((sum, limit) => sum + limit, limits.write)

/** Writes at once, and so the connections that they need. */
export const writesAtOnce = limits.write

/** `pluginRead` waits for a plugin, which may hang; `wait` and `stream` for Nomad to have news. */
export type Lane = keyof typeof limits

export interface Lanes {
  /** Runs a task as soon as its lane has room for it. */
  run<Result>(lane: Lane, task: () => Promise<Result>): Promise<Result>
  /** Whether a task would run at once. */
  hasRoom(lane: Lane): boolean
}

export function createLanes(): Lanes {
  const queues = new Map(
    Object.entries(limits).map(([lane, concurrency]) => [lane, new PQueue({ concurrency })]),
  )
  const queueOf = (lane: Lane) => {
    const queue = queues.get(lane)
    if (queue === undefined) throw new Error(`no lane ${lane}`)
    return queue
  }
  return {
    run: (lane, task) => queueOf(lane).add(task),
    hasRoom: (lane) => queueOf(lane).pending < limits[lane],
  }
}
