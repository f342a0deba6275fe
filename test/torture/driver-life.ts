import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createPluginClient, type PluginClient } from '../../src/csi/plugin-client.ts'
import type { Death, Disturbance } from './history.ts'
import { Violation } from './model.ts'
import type { UnsyncedPlaces } from './unsynced-files.ts'

/** What a driver's process is told once it is to begin. */
export interface DriverOrders {
  readonly endpoint: string
  readonly pool: string
  readonly poolBytes: number
  readonly unsynced: UnsyncedPlaces
  /** Where it is to die already while it starts. */
  readonly death?: Death
}

/** What goes wrong from now on, counted anew. */
export type Disturbing = Pick<Disturbance, 'kill' | 'failures'>

/** What it says: that it answers, or why it does not. */
export type DriverNews =
  | { readonly type: 'ready' }
  | { readonly type: 'refused'; readonly message: string; readonly isPlain: boolean }
  | { readonly type: 'failed-operation'; readonly operation: number }

/** One process of a driver, from its start to its death. */
export interface DriverLife {
  /** Resolves when it answers; false: it was killed before. */
  readonly started: Promise<boolean>
  isAlive(): boolean
  /** How many of its operations were made to fail. */
  failures(): number
  disturb(disturbing: Disturbing): void
  createClient(): PluginClient
  /** It and every tool that it runs. */
  kill(): Promise<void>
  close(): Promise<void>
}

const program = fileURLToPath(new URL('./driver-process.ts', import.meta.url))

/** Processes that have loaded everything and wait for their orders, so that a restart takes moments. */
export interface DriverNursery {
  begin(orders: DriverOrders): DriverLife
  /** Ends the life that is left, if one is. */
  endLast(): Promise<void>
  /** Ends it at once, and begins no other: `begin` throws the reason. */
  refuse(reason: Error): void
  close(): Promise<void>
}

export function createNursery(): DriverNursery {
  // A group of its own: killed as a whole, as power takes tools and driver at once.
  // What one process has compiled the next ones take: most of what a start costs.
  const cache = mkdtempSync(join(tmpdir(), 'mooring-torture-cache-'))
  const bear = (): ChildProcess =>
    spawn(process.execPath, [program], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      detached: true,
      env: { ...process.env, NODE_COMPILE_CACHE: cache },
    })
  let next = bear()
  let last: DriverLife | undefined
  let refusal: Error | undefined
  const endLast = async () => {
    if (last?.isAlive()) await last.kill()
  }
  return {
    begin(orders) {
      if (refusal !== undefined) throw refusal
      const child = next
      next = bear()
      last = beginLife(child, orders)
      return last
    },
    endLast,
    refuse(reason) {
      refusal = reason
      void endLast()
    },
    async close() {
      const ended = once(next, 'exit')
      next.kill('SIGKILL')
      await ended
      rmSync(cache, { recursive: true, force: true })
    },
  }
}

/** Far beyond what a start takes: beyond it, it hangs. */
const longestStartMs = 60_000

function beginLife(child: ChildProcess, orders: DriverOrders): DriverLife {
  let isAlive = true
  let failures = 0
  let refusal: string | undefined
  const ended = once(child, 'exit').then(() => {
    isAlive = false
  })
  const ready = new Promise<void>((resolve) => {
    child.on('message', (news: DriverNews) => {
      if (news.type === 'ready') resolve()
      if (news.type === 'failed-operation') failures++
      if (news.type === 'refused') {
        refusal = news.message
        // A stack is none of the sentences that a person can act on.
        if (!news.isPlain) refusal = `not a plain sentence: ${news.message}`
      }
    })
  })
  child.send(orders)
  const hung = AbortSignal.timeout(longestStartMs)
  const started = Promise.race([
    ready.then(() => true),
    ended.then(() => false),
    once(hung, 'abort').then(() => {
      throw new Violation(`the driver did not start within ${longestStartMs} ms`)
    }),
  ]).then((isReady) => {
    if (!isReady && refusal !== undefined) throw new Violation(`the driver did not start: ${refusal}`)
    return isReady
  })
  // Whoever waits for it later sees it.
  started.catch(() => {})
  const signalGroup = (signal: NodeJS.Signals) => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, signal)
    } catch {
      // ESRCH: nobody of the group is left, which is what was wanted.
    }
  }
  return {
    started,
    isAlive: () => isAlive,
    failures: () => failures,
    disturb: (disturbing) => void (isAlive && child.send(disturbing)),
    createClient: () =>
      createPluginClient({ pluginID: 'driver', endpoint: orders.endpoint, connectTimeoutMs: 2_000 }),
    async kill() {
      signalGroup('SIGKILL')
      await ended
    },
    async close() {
      child.kill('SIGTERM')
      await ended
      signalGroup('SIGKILL')
    },
  }
}
