/** The machine that the server runs on: its process, its disk, its power. */
import type { Log } from '../../../src/lib/log.ts'
import { nobody, type Scheduler } from '../scheduler.ts'
import { epochMs } from '../world/nomad.ts'
import type { PluginSocket } from './csi-connection.ts'
import type { NodeService } from './csi-plugin.ts'
import { createServerDisk, type ServerDisk } from './disk.ts'
import { createDurability } from './durability.ts'
import type { ServerHistory } from './history.ts'
import { createSimulatedMountPoints } from './mount-points.ts'
import { type ServerProcess, startServerProcess } from './server-process.ts'

export interface ServerMachine {
  readonly disk: ServerDisk
  start(): void
  process(): ServerProcess | undefined
  kill(downMs: number): void
  cutPower(downMs: number): void
  /** At the n-th commit, sync or call of the plugin from now. */
  endAt(count: number, isPowerCut: boolean, downMs: number): void
  /** Called with each of these. */
  burnFuse(): void
  calmDown(): void
  wallMs(): number
  setClock(byMs: number): void
}

export function createServerMachine(options: {
  readonly scheduler: Scheduler
  readonly chance: (name: string) => number
  readonly history: ServerHistory
  readonly socket: () => PluginSocket
  readonly node: NodeService
  readonly log: Log
  readonly violate: (rule: string, text: string) => void
  /** The process is gone, and its connections with it. */
  readonly onDeath: (process: ServerProcess) => void
}): ServerMachine {
  const { scheduler, chance, history, node, violate } = options
  const mounts = createSimulatedMountPoints(node)
  let running: ServerProcess | undefined
  let starts = 0
  let serial = 0
  let wallOffsetMs = 0
  let bootedAtMs = -50_000
  let afterPowerCut = false
  let fuse: { count: number; isPowerCut: boolean; downMs: number } | undefined
  const wallMs = () => Math.floor(epochMs + scheduler.nowMs + wallOffsetMs)

  function burnFuse() {
    if (fuse === undefined) return
    fuse.count -= 1
    if (fuse.count > 0) return
    const { isPowerCut, downMs } = fuse
    fuse = undefined
    end(isPowerCut, downMs)
  }

  const disk = createServerDisk({
    scheduler,
    chance,
    onSync: burnFuse,
    onFailure: () => history.record({ type: 'sync failed' }),
  })
  const durability = createDurability(burnFuse)

  function start() {
    starts += 1
    running = startServerProcess({
      name: `server ${starts}`,
      scheduler,
      disk,
      connect: (owner) => options.socket().connect(owner),
      mounts,
      wallMs,
      bootedAtMs,
      random: () => chance('jitter of the server'),
      newID() {
        serial += 1
        return `id-${serial}`
      },
      log: options.log,
      onState(state) {
        const fault = durability.opened(state, afterPowerCut)
        afterPowerCut = false
        if (fault !== undefined) violate('what was committed is there after a kill', fault)
      },
      onListening() {
        if (running !== undefined) history.record({ type: 'server listens', process: running.owner.name })
      },
    })
  }

  function end(isPowerCut: boolean, downMs: number) {
    const dying = running
    if (!dying?.owner.isAlive) return
    dying.owner.isAlive = false
    history.record({ type: 'process killed', process: dying.owner.name })
    options.onDeath(dying)
    if (isPowerCut) {
      history.record({ type: 'power cut' })
      afterPowerCut = true
      disk.cutPower()
      node.reboot()
      bootedAtMs = scheduler.nowMs + downMs
    }
    scheduler.after(nobody, downMs, 'the server starts', start)
  }

  return {
    disk,
    start,
    process: () => running,
    kill: (downMs) => end(false, downMs),
    cutPower: (downMs) => end(true, downMs),
    endAt(count, isPowerCut, downMs) {
      fuse = { count, isPowerCut, downMs }
    },
    burnFuse,
    calmDown() {
      fuse = undefined
    },
    wallMs,
    setClock(byMs) {
      wallOffsetMs += byMs
    },
  }
}
