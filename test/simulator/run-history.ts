import { OperationError, UsageError } from '../../src/lib/errors.ts'
import { type Act, describeAct, type OrderName, type TimedAct } from './acts.ts'
import { checkers } from './checkers/all.ts'
import type { View, Violation } from './checkers/checker.ts'
import { judgeRest } from './checkers/rest.ts'
import type { Document } from './documents.ts'
import { createMooring } from './mooring.ts'
import { planObjectActs } from './objects/plan-acts.ts'
import { createObjectWorld } from './objects/world.ts'
import { secretValue, settings } from './operator-process.ts'
import { perform, type Stage } from './perform.ts'
import { createFilesGround } from './place.ts'
import { planActs } from './plan-acts.ts'
import { createNamedRandom, createRandom, pick } from './random.ts'
import { createScheduler } from './scheduler.ts'
import { createSimulatedLog } from './simulated-log.ts'
import { inVirtualTime } from './simulation.ts'
import type { Source } from './source.ts'
import { createWishes } from './wishes.ts'
import { createFolder } from './world/folder.ts'
import { createHistory, type Happened } from './world/history.ts'
import { calm, createNetwork } from './world/network.ts'
import { createNomad } from './world/nomad.ts'
import type { Outside } from './world/nomad-client.ts'
import { createPlugin, type Habits } from './world/plugin.ts'

/** What determines a history. The same plan is the same history. */
export interface Plan {
  /** Of everything that is not listed: how long things take, which calls meet what the weather brings. */
  readonly seed: number
  readonly habits: Habits
  readonly isPluginReached: boolean
  readonly replicas: 1 | 2
  /** Whether it is judged at the end how soon changes are dealt with. */
  readonly isProbed: boolean
  /** What declares. */
  readonly source: Source
  readonly acts: readonly TimedAct[]
}

export interface Outcome {
  readonly violations: readonly Violation[]
  readonly traceHash: number
  readonly events: number
  readonly happened: readonly Happened[]
  readonly log: readonly string[]
}

const minute = 60_000
/** More events than this at one moment are a loop that never ends. */
const mostAtOnce = 20_000
/** A fault that spins goes wrong again and again, and every time costs more than the time before. */
const enoughViolations = 3
/** When nothing goes wrong any more, everything must have come to rest within this: all deadlines and backoffs. */
const restMs = 60 * minute
/** Rest is when nothing is done for so long, in which everything is looked at once more. */
const quietMs = 6 * minute
/** Where something still fails or waits for an outcome, that is over within so many of these. */
const patientFor = 3

/** A few latencies, each of which may be two seconds. */
const probeMs = 60_000
/** Seven tries, with delays that double. */
const refusedMs = 80_000

const probeDocument = (minBytes: number): Document => ({
  kind: 'Volume',
  name: 'probe',
  policy: 'Retain',
  minBytes,
  finalSnapshot: false,
  secrets: 'none',
  detachesStale: false,
  isSuspended: false,
})

/** Draws a history from its seed. */
export function planHistory(seed: number, source: Source): Plan {
  const random = createRandom(seed)
  const habits = {
    roundsUpTo: pick(random, [1, 4096]),
    listsVolumes: random() < 0.8,
    listsSnapshots: random() < 0.8,
    listLagMs: pick(random, [0, 0, 5_000]),
    snapshotReadyMs: pick(random, [0, 0, 20_000]),
    snapshotsNeedTheirDisk: random() < 0.2,
  }
  const isPluginReached = random() < 0.5
  const replicas = random() < 0.35 ? 2 : 1
  return {
    seed,
    habits,
    isPluginReached,
    replicas,
    isProbed: random() < 0.25,
    source,
    acts: source === 'files' ? planActs(random, replicas) : planObjectActs(random, replicas),
  }
}

/** Lives through a history, judging all that happens, and then its end. */
export async function runHistory(
  plan: Plan,
  options: { readonly keepsLog?: boolean } = {},
): Promise<Outcome> {
  const chance = createNamedRandom(plan.seed)
  const scheduler = createScheduler(plan.seed)
  const nowMs = () => scheduler.nowMs
  const history = createHistory(nowMs)
  const plugin = createPlugin({ nowMs, habits: plan.habits, history })
  const nomad = createNomad({ nowMs, plugin, history })
  const network = createNetwork(scheduler, chance)
  nomad.conditions.losesLeader = (at) =>
    network.meets(network.weather.leaderLost, `the leader is lost over ${at}`)
  const folder = createFolder(nowMs)
  const outside: Outside = { scheduler, network, nomad, plugin, history }
  const orders: { order: OrderName; volume: string; key: string; atMs: number; takenAtMs?: number }[] = []
  const log = createSimulatedLog(nowMs, options.keepsLog === true)
  const violate = (rule: string, text: string) => history.violations.push({ rule, text, atMs: nowMs() })

  const onStored = (name: string, text: string) => {
    show(`inventory's record ${name}`, text)
    mooring.burnFuse()
  }
  const objects =
    plan.source === 'files'
      ? undefined
      : createObjectWorld({ scheduler, network, chance, history, nomad, onStored })
  const fileWishes = createWishes(nowMs)
  const wishes = objects?.wishes ?? fileWishes
  const view: View = {
    objects,
    pruneDelayMs: objects === undefined ? settings.prune.pruneDelayMs : 0,
    holder: () => mooring.holder(),
    madeFor: (externalID) => (plugin.disks.get(externalID) ?? plugin.deleted.get(externalID))?.madeFor,
    get nowMs() {
      return scheduler.nowMs
    },
    wishes,
    nomad,
    plugin,
    history,
    orders,
  }

  const show = (where: string, text: string) => {
    if (text.includes(secretValue)) history.record({ type: 'text shown', where, text })
  }
  log.onText = (text) => show('log', text)
  const mooring = createMooring({
    replicas: plan.replicas,
    outside,
    isPluginReached: plan.isPluginReached,
    chance,
    log: log.log,
    ground: objects ?? createFilesGround({ replicas: plan.replicas, outside, onStored }),
  })

  history.onHappened = (happened) => {
    if (happened.type === 'effect sent') mooring.burnFuse()
    for (const { rule, judge } of checkers) {
      const text = judge(happened, view)
      if (text !== undefined) violate(rule, text)
    }
  }

  // Whether Mooring could see and store all that there is, at each moment.
  let judgedMs = 0
  let atOnce = 0
  scheduler.onEvent = () => {
    const passedMs = scheduler.nowMs - judgedMs
    judgedMs = scheduler.nowMs
    atOnce = passedMs > 0 ? 0 : atOnce + 1
    if (history.violations.length >= enoughViolations) scheduler.halt()
    if (atOnce > mostAtOnce) throw new Error(`${atOnce} events without any time that passes: a hot loop`)
    if (passedMs > 0 && mooring.sees() && objects?.isAway() !== true) wishes.see(passedMs)
  }

  const stage: Stage = {
    folder,
    wishes: fileWishes,
    nomad,
    plugin,
    network,
    mooring,
    order(name, volume, order) {
      if (objects !== undefined) {
        if (objects.order(order)) orders.push({ order: name, volume, key: order.key, atMs: nowMs() })
        return
      }
      const leader = mooring.leader()
      const working = leader?.working()
      if (leader === undefined || working === undefined) return
      const given: (typeof orders)[number] = { order: name, volume, key: order.key, atMs: nowMs() }
      orders.push(given)
      scheduler.after(leader.owner, 0, `order ${name}`, () => {
        const take = async () => {
          try {
            await working.takeOrder(order)
            given.takenAtMs = nowMs()
          } catch (error) {
            if (!(error instanceof UsageError || error instanceof OperationError)) throw error
          }
        }
        void take()
      })
    },
  }

  const act = (one: Act) => {
    if (objects?.perform(one) !== true) perform(one, stage)
  }

  /** In the best of weather, what a person writes is carried out soon, also if it is corrected at once. */
  async function probe() {
    const rule = 'liveness: a change is dealt with soon, not only at the next look at everything'
    const file = 'probe.yaml'
    const at = 'default/probe'
    const write = (minBytes: number) => act({ do: 'write', file, documents: [probeDocument(minBytes)] })
    history.record({
      type: 'act',
      text: `a person writes ${file}, corrects it at once, corrects it while Nomad takes no changes, and loses Nomad's record`,
    })
    const correct = async (minBytes: number) => {
      await scheduler.runUntil(scheduler.nowMs + chance('correction') * 1_500)
      write(minBytes)
    }
    const isSized = (minBytes: number) => {
      const volume = nomad.volumes.get(at)
      if (Number(volume?.Capacity ?? 0) >= minBytes) return true
      const is = volume === undefined ? 'is not there' : `has ${volume.Capacity} bytes, not ${minBytes}`
      violate(rule, `${at} ${is}, though it was declared long enough ago`)
      return false
    }
    write(1000)
    await correct(5000)
    await scheduler.runUntil(scheduler.nowMs + probeMs)
    if (!isSized(5000)) return
    write(9000)
    await correct(13_000)
    await scheduler.runUntil(scheduler.nowMs + probeMs)
    if (!isSized(13_000)) return
    network.weather = { ...calm, refused: 1 }
    write(17_000)
    await scheduler.runUntil(scheduler.nowMs + refusedMs)
    network.weather = calm
    // The next try is as far away again.
    await scheduler.runUntil(scheduler.nowMs + refusedMs + probeMs)
    if (!isSized(17_000)) return
    nomad.forget(at, 'a person')
    await scheduler.runUntil(scheduler.nowMs + probeMs)
    if (!nomad.volumes.has(at))
      violate(rule, `${at} is not registered again ${probeMs / 1000} s after a person deregistered it`)
  }

  const onUncaught = (error: unknown) =>
    violate(
      '14: no callback of a watch, a timer or a probe ends a process',
      String((error as Error)?.stack ?? error),
    )
  process.on('unhandledRejection', onUncaught)
  try {
    await inVirtualTime({ scheduler, network, folder, wallMs: mooring.wallMs }, async () => {
      mooring.start()
      for (const { atMs, act: next } of plan.acts) {
        await scheduler.runUntil(10_000 + atMs)
        if (history.violations.length > 0) return
        history.record({ type: 'act', text: describeAct(next) })
        act(next)
      }
      await scheduler.runUntil(scheduler.nowMs + 60_000)
      mooring.calmDown()
      network.weather = calm
      act({ do: 'folder', to: 'back' })
      objects?.calmDown()
      if (nomad.conditions.isPluginAway) nomad.setPluginAway(false)
      nomad.conditions.isDetachBroken = false
      nomad.workloads.endAll()
      history.record({ type: 'act', text: 'from now on nothing goes wrong, and nobody does anything' })
      const untilMs = scheduler.nowMs + restMs
      let begun = { happened: 0, events: 0 }
      let waits = 0
      const isBusy = () => {
        const working = mooring.leader()?.working()
        if (working === undefined || working.loop.queue().failing > 0) return true
        return working.inventory.list().some((record) => 'intent' in record && record.intent !== undefined)
      }
      do {
        begun = { happened: history.all.length, events: scheduler.events() }
        await scheduler.runUntil(scheduler.nowMs + quietMs)
        waits += 1
      } while (
        history.violations.length === 0 &&
        scheduler.nowMs < untilMs &&
        (!isQuiet(history, begun.happened) || (isBusy() && waits < patientFor))
      )
      if (history.violations.length > 0) return
      const inventory = mooring.leader()?.working()?.inventory
      for (const [rule, text] of judgeRest({ view, inventory, begun, quietMs, events: scheduler.events() }))
        violate(rule, text)
      if (history.violations.length === 0 && plan.isProbed) await probe()
    })
  } catch (error) {
    violate('the simulator itself', String((error as Error)?.stack ?? error))
  } finally {
    process.off('unhandledRejection', onUncaught)
  }
  return {
    violations: history.violations,
    traceHash: scheduler.traceHash(),
    events: scheduler.events(),
    happened: history.all,
    log: log.lines,
  }
}

/** Nothing was carried out. */
function isQuiet({ all }: { readonly all: readonly Happened[] }, since: number): boolean {
  return !all.slice(since).some(({ type }) => type === 'effect carried out')
}
