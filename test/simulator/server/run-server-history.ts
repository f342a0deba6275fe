import type { Violation } from '../checkers/checker.ts'
import { createNamedRandom, createRandom, pick } from '../random.ts'
import { createScheduler } from '../scheduler.ts'
import { createSimulatedLog } from '../simulated-log.ts'
import { inVirtualTime } from '../simulation.ts'
import { createFolder } from '../world/folder.ts'
import { calm, createNetwork } from '../world/network.ts'
import { createPlugin, type Habits } from '../world/plugin.ts'
import { describeServerAct, planServerActs, type ServerAct, type TimedServerAct } from './acts.ts'
import type { ServerView } from './checker.ts'
import { serverCheckers } from './checkers.ts'
import { createClients } from './clients.ts'
import { createPluginSocket } from './csi-connection.ts'
import { createCsiPlugin } from './csi-plugin.ts'
import { createServerHistory, type ServerHappened } from './history.ts'
import { createServerMachine } from './machine.ts'
import { type ClientRequest, csiName, mountRoot, volumeSecret } from './requests.ts'
import { claimsToFree, judgeServerRest } from './rest.ts'
import { createServerNetwork } from './server-network.ts'

/** What determines a history of the server. The same plan is the same history. */
export interface ServerPlan {
  readonly seed: number
  readonly habits: Habits
  /** The plugin deletes a volume that is attached. */
  readonly deletesInUse: boolean
  readonly acts: readonly TimedServerAct[]
}

export interface ServerOutcome {
  readonly violations: readonly Violation[]
  readonly traceHash: number
  readonly events: number
  readonly happened: readonly ServerHappened[]
  readonly log: readonly string[]
}

const minuteMs = 60_000
/** More events than this at one moment are a loop that never ends. */
const mostAtOnce = 20_000
/** All deadlines and backoffs. */
const restMs = 6 * minuteMs
const quietMs = 4 * minuteMs
/** Two minutes for a plugin, which may be at work on the same volume still. */
const probeMs = 3 * minuteMs

const volumes = ['a', 'b', 'c']
const lifeOfAVolume: readonly ClientRequest[] = [
  { ask: 'create', volume: 'probe', name: '1', minBytes: 1000, isShared: false },
  { ask: 'claim', volume: 'probe', target: 'probe', isReadOnly: false },
  { ask: 'release', volume: 'probe' },
  { ask: 'delete', volume: 'probe' },
]

/** Draws a history from its seed. */
export function planServerHistory(seed: number): ServerPlan {
  const random = createRandom(seed)
  return {
    seed,
    habits: {
      roundsUpTo: pick(random, [1, 4096]),
      listsVolumes: random() < 0.8,
      listsSnapshots: random() < 0.8,
      listLagMs: 0,
      snapshotReadyMs: 0,
      snapshotsNeedTheirDisk: random() < 0.2,
    },
    deletesInUse: random() < 0.5,
    acts: planServerActs(random),
  }
}

/** Lives through a history of the server, judging all that happens, and then its end. */
export async function runServerHistory(plan: ServerPlan): Promise<ServerOutcome> {
  const chance = createNamedRandom(plan.seed)
  const scheduler = createScheduler(plan.seed)
  const nowMs = () => scheduler.nowMs
  const history = createServerHistory(nowMs)
  const violate = (rule: string, text: string) => history.violations.push({ rule, text, atMs: nowMs() })
  const plugin = createPlugin({ nowMs, habits: plan.habits, history })
  const network = createNetwork(scheduler, chance)
  const toPlugin = createNetwork(scheduler, chance)
  const log = createSimulatedLog(nowMs, false)
  log.onText = (text) => {
    if (text.includes(volumeSecret)) history.record({ type: 'text shown', where: 'log', text })
  }
  const names = new Map(
    [...volumes, 'probe'].flatMap((volume) =>
      ['1', '2'].map((name) => [csiName({ volume, name }), `default/${volume}`] as const),
    ),
  )
  const service = createCsiPlugin({
    plugin,
    history,
    nowMs,
    askedFor: (name) => names.get(name) ?? '',
    deletesInUse: plan.deletesInUse,
  })
  const { node } = service
  const socket = createPluginSocket({
    scheduler,
    network: toPlugin,
    chance,
    service,
    history,
    onCall: () => machine.burnFuse(),
  })
  const machine = createServerMachine({
    scheduler,
    chance,
    history,
    socket: () => socket,
    node,
    log: log.log,
    violate,
    onDeath: ({ owner }) => way.cut(owner),
  })
  const way = createServerNetwork({ scheduler, network, chance, server: machine.process })
  const clients = createClients({
    network: way,
    history,
    plugin,
    nodeID: () => machine.process()?.state()?.nodeID ?? '',
  })
  const view: ServerView = {
    get nowMs() {
      return scheduler.nowMs
    },
    plugin,
    node,
    history,
  }

  history.onHappened = (happened) => {
    for (const { rule, judge } of serverCheckers) {
      const text = judge(happened, view)
      if (text !== undefined) violate(rule, text)
    }
  }
  let lastMs = 0
  let atOnce = 0
  scheduler.onEvent = () => {
    atOnce = scheduler.nowMs > lastMs ? 0 : atOnce + 1
    lastMs = scheduler.nowMs
    if (atOnce > mostAtOnce) throw new Error(`${atOnce} events without any time that passes: a hot loop`)
  }

  function perform(act: ServerAct) {
    switch (act.do) {
      case 'request':
        void clients.ask(act.request)
        return
      case 'kill':
        return machine.kill(act.downMs)
      case 'cut power':
        return machine.cutPower(act.downMs)
      case 'kill at':
        return machine.endAt(act.count, act.isPowerCut, act.downMs)
      case 'plugin':
        socket.isAway = act.isAway
        return
      case 'weather': {
        const target = act.where === 'plugin' ? toPlugin : network
        target.weather = { ...target.weather, [act.kind]: act.share }
        return
      }
      case 'disk':
        return machine.disk.become(act.state)
      case 'unmount':
        return node.unmount(`${mountRoot}/${act.target}`)
      case 'set clock':
        return machine.setClock(act.byMs)
    }
  }

  const isWrong = () => history.violations.length > 0

  /** Asks, and lets time pass until the answer is there. */
  async function ask(request: ClientRequest) {
    const asking = { answer: undefined as Awaited<ReturnType<typeof clients.ask>>, isOver: false }
    void clients.ask(request).then((answer) => Object.assign(asking, { answer, isOver: true }))
    const untilMs = scheduler.nowMs + probeMs
    while (!asking.isOver && scheduler.nowMs < untilMs) await scheduler.runUntil(scheduler.nowMs + 1000)
    return asking.answer
  }

  /** In the best of weather the server does what it is there for. */
  async function mustServe(request: ClientRequest) {
    const answer = await ask(request)
    if (answer?.status === 200) return
    violate(
      '13: the server serves once nothing goes wrong, and each state has an exit',
      `${request.ask} was answered ${answer === undefined ? 'nothing' : `${answer.status}: ${answer.text}`}`,
    )
  }

  /** Whether the plugin still has what the volume names. */
  function isThere(volume: string) {
    const record = machine.process()?.state()?.csi_volumes.get(`default/${volume}`)
    return record !== undefined && plugin.disks.has(record.externalID)
  }

  const onUncaught = (error: unknown) =>
    violate(
      '14: no callback of a watch, a timer or a probe ends a process',
      String((error as Error)?.stack ?? error),
    )
  process.on('unhandledRejection', onUncaught)
  try {
    await inVirtualTime(
      { scheduler, network, folder: createFolder(nowMs), wallMs: machine.wallMs },
      async () => {
        machine.start()
        for (const { atMs, act } of plan.acts) {
          await scheduler.runUntil(10_000 + atMs)
          if (isWrong()) return
          history.record({ type: 'act', text: describeServerAct(act) })
          perform(act)
        }
        await scheduler.runUntil(scheduler.nowMs + minuteMs)
        history.record({ type: 'act', text: 'from now on nothing goes wrong, and nobody asks for anything' })
        machine.calmDown()
        network.weather = calm
        toPlugin.weather = calm
        socket.isAway = false
        machine.disk.become('well')
        // A disk that failed once is not trusted before a restart, which a person makes.
        machine.kill(1000)
        await scheduler.runUntil(scheduler.nowMs + restMs)
        const begun = scheduler.events()
        await scheduler.runUntil(scheduler.nowMs + quietMs)
        if (isWrong()) return
        const running = machine.process()
        const findings = judgeServerRest({
          view,
          state: running?.answer() === undefined ? undefined : running.state(),
          eventsPerHour: ((scheduler.events() - begun) * 60 * minuteMs) / quietMs,
          diskBytes: machine.disk.bytes(),
        })
        for (const [rule, text] of findings) violate(rule, text)
        for (const volume of volumes) if (!isWrong()) await ask({ ask: 'read', volume })
        if (!isWrong()) await ask({ ask: 'claims' })
        const state = running?.state()
        for (const { volume, claim } of state === undefined ? [] : claimsToFree(state)) {
          if (!isWrong() && isThere(volume)) await mustServe({ ask: 'release', volume, claim })
        }
        for (const request of lifeOfAVolume) if (!isWrong()) await mustServe(request)
      },
    )
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
