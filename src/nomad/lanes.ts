/**
 * Limits how many requests are open at once. By default Nomad takes 100 connections from one address
 * (`http_max_conns_per_client`), and all limits together stay below that.
 */
import PQueue from 'p-queue'
import { type Clock, delay } from '../lib/clock.ts'

/** `wait` and `stream` are open until Nomad has news. */
const limits = { read: 12, pluginRead: 6, slowPluginRead: 8, write: 28, wait: 16, stream: 1 } as const

/** The connection of a finished write may still be closing when the next write opens one, so writes count twice. */
export const connectionLimit = Object.values(limits).reduce<number>((sum, limit) => sum + limit, limits.write)

/** Writes at once, and so the connections that they need. */
export const writesAtOnce = limits.write

/** From then on a read that a plugin answers counts as slow. */
const slowMs = 5000

export type Lane = keyof typeof limits

export interface Lanes {
  /**
   * Runs a task as soon as its lane has room.
   * @throws the reason of `signal` where that aborts before the task has started
   */
  run<Result>(lane: Lane, task: () => Promise<Result>, signal?: AbortSignal): Promise<Result>
  /**
   * Runs a read that a plugin answers. A read that becomes slow moves to the slots for slow reads, and the next
   * reads of its plugin start there. So a plugin that hangs does not take the slots of the others.
   */
  runPluginRead<Result>(pluginID: string, task: () => Promise<Result>, signal?: AbortSignal): Promise<Result>
  /** Whether a task would run at once. */
  hasRoom(lane: Lane): boolean
}

export function createLanes(clock: Clock): Lanes {
  const queues = Object.fromEntries(
    Object.entries(limits).map(([lane, concurrency]) => [lane, new PQueue({ concurrency })]),
  ) as Record<Lane, PQueue>
  const slowPlugins = new Set<string>()

  /** @param hold how long the slot is taken; `ended` resolves when the task has ended, whichever way */
  function start<Result>(
    lane: Lane,
    task: () => Promise<Result>,
    hold: (ended: Promise<void>) => Promise<void>,
    signal: AbortSignal | undefined,
  ): Promise<Result> {
    return new Promise((resolve, reject) => {
      let hasStarted = false
      const run = () => {
        hasStarted = true
        const running = task()
        running.then(resolve, reject)
        const ignore = () => {} // Whoever asked for the task is told.
        return hold(running.then(ignore, ignore))
      }
      // Once started, the task itself reacts to the signal: it alone knows whether its request was sent.
      queues[lane].add(run, { ...(signal && { signal }) }).catch((error: unknown) => {
        if (!hasStarted) reject(error)
      })
    })
  }

  async function holdPluginRead(pluginID: string, lane: Lane, ended: Promise<void>): Promise<void> {
    const stop = new AbortController()
    const late = delay(clock, slowMs, stop.signal).then(() => !stop.signal.aborted)
    const isSlow = await Promise.race([ended.then(() => false), late])
    stop.abort()
    if (isSlow) slowPlugins.add(pluginID)
    else slowPlugins.delete(pluginID)
    if (!isSlow || lane === 'slowPluginRead') return ended
    // Its slot is free for others as soon as it has one of the slow ones.
    const moved = Promise.withResolvers<void>()
    void queues.slowPluginRead.add(() => {
      moved.resolve()
      return ended
    })
    await Promise.race([ended, moved.promise])
  }

  return {
    run: (lane, task, signal) => start(lane, task, (ended) => ended, signal),
    runPluginRead(pluginID, task, signal) {
      const lane = slowPlugins.has(pluginID) ? 'slowPluginRead' : 'pluginRead'
      return start(lane, task, (ended) => holdPluginRead(pluginID, lane, ended), signal)
    },
    hasRoom: (lane) => queues[lane].pending < limits[lane],
  }
}
