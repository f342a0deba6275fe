/**
 * The table of contents: how the operator is put together, from top to bottom. `runOperator` is the process,
 * `startTerm` what it does while it may work, and `startClusterWork` what it does for one Nomad cluster.
 */
import { join } from 'node:path'
import process from 'node:process'
import { nest } from '../lib/around.ts'
import { systemClock as clock } from '../lib/clock.ts'
import { errorMessage } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import { openTogether } from '../lib/open-together.ts'
import { packageVersion } from '../lib/version.ts'
import type { NomadConnection } from '../nomad/connection.ts'
import type { VolumesApi } from '../nomad/ports.ts'
import type { PluginCallMetrics } from '../telemetry/plugin-calls.ts'
import type { Admin, OperatorInfo } from './admin/admin.ts'
import { createCurrentAdmin, standsBy } from './admin/current-admin.ts'
import { mergeStatus } from './admin/merge-status.ts'
import { type ActivityLogs, createActivityLogs } from './admin/pages/activity-log.ts'
import { serveAdmin } from './admin/serve-admin.ts'
import { createAskOutside } from './ask-outside.ts'
import { createClusterView } from './cluster-view.ts'
import { startNomadClusters } from './clusters/nomad-clusters.ts'
import { type ControlLoop, startControlLoop } from './control-loop.ts'
import { createMemoryInventory, type LastingInventory } from './inventory/memory-inventory.ts'
import { holdDirectory, type InventoryPlace, openInventoryPlace } from './inventory-place.ts'
import { type Kubernetes, openClusterObjects, openKubernetes } from './kubernetes.ts'
import { openParts } from './open-parts.ts'
import { createOperatorAdmin } from './operator-admin.ts'
import { defaultRegion } from './operator-directory.ts'
import { openOperatorPages } from './operator-pages.ts'
import { createTakeOrder, type TakeOrder } from './orders/take-order.ts'
import { guardEffects } from './replicas/guard-effects.ts'
import { startOnlyTerm, startTerms, type Term } from './replicas/terms.ts'
import { type ClusterSettings, gitDirectoryOf, type OperatorSettings, sourceNames } from './settings.ts'
import { countObjects } from './telemetry/object-counts.ts'
import { createPlanLog } from './telemetry/plan-log.ts'
import { startTelemetry, type Telemetry } from './telemetry/telemetry.ts'

const random = Math.random

export interface RunningOperator {
  /** Answers by what the running term does. While this replica stands by, it says who leads. */
  readonly admin: Admin
  /** The dashboard; undefined: it is not served. */
  readonly ui?: { readonly url: string; createLoginLink(): string }
  /** Finishes what is in process, starts nothing new, and lets another replica lead. */
  close(): Promise<void>
}

/**
 * Runs the operator, the same way wherever its inventory is. A process that has the inventory to itself works from
 * now on. One of several replicas works while it leads.
 * @param options.callsEndedBeforeMs calls sent to Nomad before this monotonic time have ended; default: of none is this known
 * @param options.pluginCalls counts calls of plugins, where another part of this process makes some too
 * @throws UsageError where a setting, a file or an address cannot be used
 */
export function runOperator(
  settings: OperatorSettings,
  options: {
    readonly log: Log
    readonly callsEndedBeforeMs?: number
    readonly pluginCalls?: PluginCallMetrics
  },
): Promise<RunningOperator> {
  const { directory, readOnly } = settings
  const { log, callsEndedBeforeMs, pluginCalls } = options
  return openTogether(async (adopt) => {
    const held = adopt(holdDirectory(directory, settings.inventory))
    const kubernetes =
      settings.kubernetes &&
      adopt(await openKubernetes({ settings: settings.kubernetes, readOnly, clock, log }))
    const { inventory, own } = settings
    const place = adopt(
      openInventoryPlace({
        ...{ settings: inventory, held, nomad: own.nomad, kubernetes, readOnly, clock },
        advertised: settings.ui?.advertise,
      }),
    )
    const { replica } = place
    const telemetry = adopt(
      await startTelemetry({
        settings: settings.telemetry,
        isReplica: replica !== undefined,
        ...(pluginCalls === undefined ? {} : { pluginCalls }),
        clock,
        log,
      }),
    )
    const activity = adopt(openActivityLogs(settings, log))
    const begin = (term: Term) =>
      startTerm(term, settings, { place, kubernetes, telemetry, activity, callsEndedBeforeMs, log })
    const terms = adopt(
      replica === undefined
        ? await startOnlyTerm(begin)
        : startTerms({ replica, readOnly, clock, random, log, begin }),
    )
    const admin = createCurrentAdmin({
      current: () => terms.current()?.admin,
      leader: () => replica?.lock.holder(),
      async info() {
        const info = infoOf(settings)
        if (replica === undefined) return info
        const leader = replica.lock.holder()
        const leads = terms.current() !== undefined && !readOnly
        return { ...info, replica: { identity: replica.identity, leads, ...(leader && { leader }) } }
      },
    })
    const clusters = () => terms.current()?.clusterAdmins() ?? new Map<string, Admin>()
    const { pages, ui } = adopt(
      await openOperatorPages({
        settings,
        views: () => terms.current()?.views(),
        standsBy: () => standsBy(replica?.lock.holder()),
        leader: () => replica?.lock.holder(),
        admin,
        activity,
        clock,
        log,
      }),
    )
    const createLoginLink = ui?.createLoginLink
    adopt(await serveAdmin({ directory, admin, clusters, pages, ...(ui && { createLoginLink }), log }))
    // Whoever waits for a change gets an answer before the socket closes.
    adopt({ close: () => terms.current()?.letGo() })
    return { admin, ...(ui && { ui }) }
  })
}

/** What every term works with. */
interface TermParts {
  readonly place: InventoryPlace
  readonly kubernetes: Kubernetes | undefined
  readonly telemetry: Telemetry
  readonly activity: ActivityLogs
  readonly callsEndedBeforeMs: number | undefined
  readonly log: Log
}

/** The log outlives the process where the operator may write. */
function openActivityLogs({ directory, readOnly }: OperatorSettings, log: Log): ActivityLogs {
  return createActivityLogs({
    ...(readOnly ? {} : { path: join(directory, 'activity.db') }),
    clock,
    onError: (error) => log.warn({ error: errorMessage(error) }, 'the activity log is in memory only'),
  })
}

/** Works for the operator's own Nomad cluster and for each NomadCluster until the term ends. */
function startTerm(term: Term, settings: OperatorSettings, parts: TermParts) {
  const { place, kubernetes, log } = parts
  return openTogether(async (adopt) => {
    const start = async (cluster: ClusterSettings, log: Log) =>
      startClusterWork(cluster, {
        ...parts,
        term,
        inventory: await place.open(term, cluster.name),
        settings,
        log,
      })
    const own = adopt(await start(settings.own, log))
    const clusters =
      kubernetes === undefined || settings.readOnly
        ? undefined
        : startNomadClusters({
            start: (name, { nomad, allowedIDs }) =>
              start({ ...furtherCluster(name, nomad), allowedIDs }, log.child({ cluster: name })),
            clusters: kubernetes.nomadClusters.informer,
            objects: kubernetes.objects.map(({ informer }) => informer),
            writer: kubernetes.writer(term.mayAct),
            namespace: kubernetes.operatorNamespace,
            readSecret: kubernetes.readSecret,
            onSecret: kubernetes.onSecret,
            clock,
            log,
          })
    // All of them finish at once what is in process.
    adopt({ close: () => Promise.all([own.close(), clusters?.close()]) })
    const clusterAdmins = () =>
      new Map([...(clusters?.running() ?? [])].map(([name, { admin }]) => [name, admin]))
    return {
      admin: { ...own.admin, status: mergeStatus(own.admin, clusterAdmins) },
      clusterAdmins,
      views: () => [own.view, ...[...(clusters?.running() ?? [])].map(([, { view }]) => view)],
      letGo: own.admin.close,
    }
  })
}

/** Works for one Nomad cluster until the term ends. */
function startClusterWork(
  cluster: ClusterSettings,
  options: {
    readonly term: Term
    readonly inventory: LastingInventory
    readonly kubernetes: Kubernetes | undefined
    readonly telemetry: Telemetry
    readonly activity: ActivityLogs
    readonly settings: Pick<OperatorSettings, 'directory' | 'readOnly' | 'loop'>
    readonly callsEndedBeforeMs: number | undefined
    readonly log: Log
  },
) {
  const { term, inventory: lasting, kubernetes, telemetry, callsEndedBeforeMs, log } = options
  const { directory, readOnly, loop: times } = options.settings
  const { mayAct, holder } = term
  const region = regionOf(cluster)
  const allowed = cluster.allowedIDs === undefined ? {} : { allowedIDs: cluster.allowedIDs }
  return openTogether(async (adopt) => {
    const inventory = readOnly ? createMemoryInventory(lasting.contents(), lasting.keyedHash) : lasting
    const { hooks, show } = telemetry.of(inventory, cluster.name)
    const objects =
      kubernetes && adopt(openClusterObjects(kubernetes, { cluster: cluster.name, mayAct, clock, log }))
    const { client, observer, plugins, secrets, sources } = adopt(
      await openParts({
        cluster,
        gitDirectory: gitDirectoryOf(directory),
        keyedHash: inventory.keyedHash,
        ...(kubernetes === undefined ? {} : { readSecret: kubernetes.readSecret }),
        aroundCall: hooks.aroundCall,
        aroundPluginCall: hooks.aroundPluginCall,
        log,
      }),
    )
    const activity = options.activity.of(cluster.name)
    const take = createTakeOrder({
      inventory,
      declarations: () => loop.desired.declarations(),
      region,
      ...allowed,
      ask: createAskOutside(client),
      look: (key) => loop.look(key),
      clock,
      log,
    })
    const takeOrder: TakeOrder = async (order, by) => {
      const told = await activity.aroundOrder(order, by, () => take(order, by))
      // A reading decides what becomes of it.
      if (order.type === 'confirmRemoval') loop.readSoon()
      return told
    }
    const loop: ControlLoop = startControlLoop({
      ...times,
      observer,
      plugins,
      secrets,
      sources: objects === undefined ? sources : [...sources, objects.source],
      api: guardEffects<VolumesApi>(client, mayAct),
      inventory,
      region,
      ...allowed,
      callsEndedBeforeMs,
      ...(holder === undefined ? {} : { holder }),
      ...(readOnly ? { onPlanned: createPlanLog(log) } : {}),
      onStatus: hooks.onStatus,
      aroundPass: hooks.aroundPass,
      aroundStep: nest(hooks.aroundStep, activity.aroundStep),
      // Whoever writes nothing leaves objects alone too.
      ...(objects === undefined || readOnly
        ? {}
        : { syncObjects: (access) => objects.sync({ ...access, inventory, takeOrder }) }),
      clock,
      random,
      log,
    })
    adopt({ close: () => loop.close(mayAct() ? undefined : 0) })
    const info = infoOf({ own: cluster, readOnly })
    const { hashKey } = lasting
    const admin = adopt(
      createOperatorAdmin({ operator: loop, inventory, hashKey, client, clock, info, takeOrder }),
    )
    const { queue, desired } = loop
    const view = {
      queue,
      sources: loop.sources,
      records: inventory.list,
      objectCounts: countObjects(inventory),
      declarations: desired.declarations,
    }
    adopt(show(view, admin.orphans))
    const shown = createClusterView({
      ...{ cluster: cluster.name, nomad: cluster.nomad, inventory, loop, observer, admin, activity },
      known: () => ({
        ...{ inventory, declarations: desired.declarations(), region, ...allowed, nowMs: clock.now() },
        clock: { dateMs: clock.now(), boot: clock.boot, uptimeMs: clock.uptimeMs() },
      }),
    })
    return { admin, view: shown, isManaging: () => inventory.list().length > 0 }
  })
}

/** What the operator reports of itself. */
function infoOf(settings: Pick<OperatorSettings, 'own' | 'kubernetes' | 'readOnly'>): OperatorInfo {
  const { nomadAddr, nomadRegion } = settings.own.nomad
  return {
    version: packageVersion(),
    processID: process.pid,
    sources: sourceNames(settings),
    nomadAddr,
    ...(nomadRegion === undefined ? {} : { nomadRegion }),
    readOnly: settings.readOnly,
  }
}

/** A part of the names that are chosen. Regions of two clusters may have the same name. */
function regionOf({ name, nomad: { nomadRegion = defaultRegion } }: ClusterSettings): string {
  return name === undefined ? nomadRegion : `${name}/${nomadRegion}`
}

/** What a NomadCluster declares is in Kubernetes alone. */
function furtherCluster(name: string, nomad: NomadConnection): ClusterSettings {
  return { name, nomad, sources: { places: [], variables: new Map(), gitPollMs: 0 }, plugins: new Map() }
}
