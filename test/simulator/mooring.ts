import type { Log } from '../../src/lib/log.ts'
import { type Machine, type OperatorProcess, startOperatorProcess } from './operator-process.ts'
import type { Ground } from './place.ts'
import { nobody } from './scheduler.ts'
import { calm } from './world/network.ts'
import { epochMs } from './world/nomad.ts'
import type { Outside } from './world/nomad-client.ts'

export type Who = 'leader' | 'standby'

/**
 * The processes of Mooring: one, or two that share an inventory. Each is started again after it was killed, on its own
 * machine or on another one. What is durable outlives them all.
 */
export function createMooring(options: {
  readonly replicas: 1 | 2
  readonly outside: Outside
  readonly isPluginReached: boolean
  readonly chance: (name: string) => number
  readonly log: Log
  readonly ground: Ground
}) {
  const { outside, chance, log } = options
  const { scheduler, network, history } = outside
  const machines: Machine[] = []
  const processes: OperatorProcess[] = []
  let wallOffsetMs = 0
  let starts = 0
  let boots = 0
  let fuse: { count: number; downMs: number } | undefined

  const wallMs = () => epochMs + scheduler.nowMs + wallOffsetMs

  function start(index: number) {
    starts += 1
    processes[index] = startOperatorProcess({
      ...options,
      openPlace: options.ground.openPlace,
      name: `mooring ${starts}`,
      machine: machines[index] ?? boot(index),
      wallMs,
      random: () => chance(`jitter ${index}`),
      log,
    })
  }

  function boot(index: number): Machine {
    boots += 1
    const machine = { boot: `boot ${boots}`, bootedAtMs: scheduler.nowMs - 50_000 }
    machines[index] = machine
    return machine
  }

  function indexOf(who: Who): number {
    const leader = processes.findIndex((each) => each.owner.isAlive && each.working() !== undefined)
    if (who === 'leader') return Math.max(0, leader)
    return processes.findIndex((_, index) => index !== leader)
  }

  function kill(who: Who, downMs: number) {
    const index = indexOf(who)
    const owner = processes[index]?.owner
    if (!owner?.isAlive) return
    // Some are started on the same machine again, others on another one.
    if (chance('another machine') < 0.3) boot(index)
    owner.isAlive = false
    history.record({ type: 'process killed', process: owner.name })
    scheduler.after(nobody, downMs, 'Mooring starts', () => start(index))
  }

  function burnFuse() {
    if (fuse === undefined) return
    fuse.count -= 1
    if (fuse.count > 0) return
    const { downMs } = fuse
    fuse = undefined
    kill('leader', downMs)
  }

  const leader = () => processes.find(({ owner, working }) => owner.isAlive && working() !== undefined)

  return {
    start() {
      for (let index = 0; index < options.replicas; index += 1) start(index)
    },
    wallMs,
    setClock(byMs: number) {
      wallOffsetMs += byMs
    },
    kill,
    /** Kills the leader when so many effects were sent or records stored. */
    killAt(count: number, downMs: number) {
      fuse = { count, downMs }
    },
    /** Called with each effect that is sent, and each record that is stored. */
    burnFuse,
    calmDown() {
      fuse = undefined
    },
    /** It does nothing for a while, and does not know: a stopped process, or a machine that sleeps. */
    pause(who: Who, forMs: number) {
      const owner = processes[indexOf(who)]?.owner
      if (owner !== undefined) owner.pausedUntilMs = scheduler.nowMs + forMs
    },
    leader,
    /** Who may send effects now: by the Lease alone, or the one process that there is. */
    holder: options.ground.holder ?? (() => processes[0]?.owner.name),
    /** Whether everything that there is can be seen and stored. */
    sees: () =>
      network.weather === calm &&
      (leader()?.owner.pausedUntilMs ?? 0) <= scheduler.nowMs &&
      leader() !== undefined,
  }
}

export type Mooring = ReturnType<typeof createMooring>
