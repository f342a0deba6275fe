/**
 * The lanes' one promise: whatever is asked for, no more requests are under way at once than Nomad takes
 * connections from one address, which are 100 where `http_max_conns_per_client` is not set. What is left is for
 * the other clients there.
 */
import PQueue from 'p-queue'

const limits = { read: 16, pluginRead: 8, write: 32, wait: 24, stream: 1 } as const

export const connectionLimit = Object.values(limits).reduce((sum, limit) => sum + limit, 0)

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
