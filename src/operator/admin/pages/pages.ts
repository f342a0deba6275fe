import type { Clock } from '../../../lib/clock.ts'
import { errorMessage, UsageError } from '../../../lib/errors.ts'
import type { ActivityPage, ActivityQuery } from '../../../wire/dashboard/activity.ts'
import type { ObjectDetail } from '../../../wire/dashboard/object.ts'
import type { ObjectPage, ObjectQuery } from '../../../wire/dashboard/objects.ts'
import type { OperatorSummary, Overview } from '../../../wire/dashboard/overview.ts'
import type { PageQuery, RecoverabilityPage, SchedulePage } from '../../../wire/dashboard/schedules.ts'
import type { OrphanReport, PlanAnswer, PlanRequest, Sources } from '../../../wire/dashboard/sources.ts'
import type { Order } from '../../orders/order.ts'
import type { Key } from '../../plan/identity.ts'
import type { OrderGiver } from '../../plan/orders.ts'
import { latestActivity, queryActivity } from './activity.ts'
import type { ActivityLogs } from './activity-log.ts'
import type { ClusterView, ViewChange } from './cluster-view.ts'
import { createMemo } from './memo.ts'
import { presentDetail } from './object-detail.ts'
import { createObjectTable } from './object-table.ts'
import { presentOrphans } from './orphans.ts'
import { nextSnapshots, presentOverview } from './overview.ts'
import { readHealth } from './plugins.ts'
import { presentRecoverability, recoveryFacts } from './recoverability.ts'
import { partsOf } from './references.ts'
import { presentSchedules } from './schedules.ts'
import { presentSources, type ReadText } from './sources.ts'

/** This process cannot answer just now. */
export class NotNow extends Error {
  override readonly name = 'NotNow'
}

/** The answers of the API for people. Every call rejects with NotNow while this replica stands by. */
export interface Pages {
  overview(): Promise<Overview>
  objects(query: ObjectQuery): Promise<ObjectPage>
  /** undefined: there is nothing under the key. */
  object(key: Key, cluster?: string): Promise<ObjectDetail | undefined>
  recoverability(query: PageQuery): Promise<RecoverabilityPage>
  schedules(query: PageQuery): Promise<SchedulePage>
  sources(): Promise<Sources>
  orphans(): Promise<OrphanReport>
  activity(query: ActivityQuery): Promise<ActivityPage>
  plan(request: PlanRequest): Promise<PlanAnswer>
  order(order: Order, by: OrderGiver, cluster?: string): Promise<string>
  /** Called with each change of any cluster. @returns unsubscribes */
  onChange(listener: (change: ViewChange & { readonly cluster?: string }) => void): () => void
  /**
   * Everybody who listens is told of all changes so far. Until the next call, all of them may have the same answer: what
   * changed meanwhile is told then.
   * @param isHeard whether anybody listens
   */
  told(isHeard: boolean): void
  /** Looks whether clusters came or went, or this replica began or ceased to lead. */
  refresh(): void
  close(): void
}

/** How long a look into the storage of all plugins is kept. */
const orphansMs = 60_000
const mostLately = 20

export function createPages(options: {
  /** undefined: this replica stands by. The operator's own cluster comes first. */
  readonly views: () => readonly ClusterView[] | undefined
  /** Why there are no views. */
  readonly standsBy: () => string
  readonly operator: () => Promise<OperatorSummary>
  readonly activity: ActivityLogs
  readonly readText: ReadText
  readonly plan: (request: PlanRequest) => Promise<PlanAnswer>
  readonly clock: Clock
}): Pages {
  const { standsBy, operator, activity, readText, plan, clock } = options
  let version = 1
  let slowVersion = 1
  /** undefined: nobody listens, so each answer is as things are now. */
  let toldVersion: number | undefined
  const listeners = new Set<(change: ViewChange & { readonly cluster?: string }) => void>()
  const watched = new Map<ClusterView, () => void>()
  const memo = createMemo(() => toldVersion ?? version, clock)
  /** For what is proportional to all declarations: made anew where the sources or a plugin changed. */
  const slowMemo = createMemo(() => slowVersion, clock)
  const table = createObjectTable(() => options.views() ?? [])
  let lastOrphans: { readonly atMs: number; readonly report: Promise<OrphanReport> } | undefined

  function tell(change: ViewChange & { readonly cluster?: string }) {
    version += 1
    if (change.topics.includes('sources') || change.topics.includes('plugins')) slowVersion += 1
    for (const listener of listeners) listener(change)
  }

  function refresh() {
    const now = new Set(options.views() ?? [])
    let isChanged = false
    for (const [view, stop] of watched) {
      if (now.has(view)) continue
      stop()
      watched.delete(view)
      isChanged = true
    }
    for (const view of now) {
      if (watched.has(view)) continue
      const { cluster } = view
      const stop = view.onChange((change) =>
        tell({ ...change, ...(cluster === undefined ? {} : { cluster }) }),
      )
      watched.set(view, stop)
      isChanged = true
    }
    if (isChanged) tell({ keys: undefined, topics: ['objects', 'sources', 'activity', 'plugins'] })
  }

  /** @throws NotNow where this replica stands by */
  function leading(): readonly ClusterView[] {
    refresh()
    const views = options.views()
    if (views === undefined) throw new NotNow(standsBy())
    return views
  }

  function viewOf(cluster: string | undefined): ClusterView {
    const found = leading().find((view) => view.cluster === cluster)
    if (found === undefined) throw new UsageError(`this process works for no NomadCluster "${cluster}"`)
    return found
  }

  const facts = () => memo('facts', () => recoveryFacts(leading(), clock.now()))

  async function readActual(view: ClusterView, key: Key) {
    const { kind, namespace, name } = partsOf(key)
    if (kind !== 'Volume') return { actual: undefined }
    try {
      return { actual: await view.readVolume(namespace, name) }
    } catch (error) {
      return { actual: 'unread' as const, unread: errorMessage(error) }
    }
  }

  return {
    overview: async () => {
      const views = leading()
      return memo('overview', async () => {
        const health = await slowMemo('health', () => Promise.all(views.map(readHealth)))
        return presentOverview({
          views,
          summary: await table.summary(),
          clusters: health.map(({ cluster }) => cluster),
          plugins: health.flatMap(({ plugins }) => plugins),
          nextSnapshots: nextSnapshots(views, (key, count) => slowMemo(key, count)),
          lately: latestActivity(activity.newestFirst(), mostLately),
          operator: await operator(),
        })
      })
    },
    objects: async (query) => {
      leading()
      return memo(JSON.stringify(['objects', query]), () => table.query(query))
    },
    async object(key, cluster) {
      const view = viewOf(cluster)
      const parts = { ...(await readActual(view, key)), nowMs: clock.now() }
      const isSchedule = partsOf(key).kind === 'SnapshotSchedule'
      return presentDetail(view, key, { ...parts, facts: isSchedule ? await facts() : [] })
    },
    recoverability: async (query) => presentRecoverability(await facts(), query),
    schedules: async (query) => presentSchedules(leading(), await facts(), clock.now(), query),
    sources: async () => {
      const views = leading()
      return memo('sources', () => presentSources(views, readText))
    },
    async orphans() {
      const views = leading()
      const nowMs = clock.monotonicMs()
      if (lastOrphans === undefined || nowMs - lastOrphans.atMs > orphansMs) {
        const report = presentOrphans(views, clock.now())
        lastOrphans = { atMs: nowMs, report }
        report.catch(() => {
          lastOrphans = undefined
        })
      }
      return lastOrphans.report
    },
    activity: async (query) => {
      leading()
      return queryActivity(activity.newestFirst(), query)
    },
    plan: async (request) => {
      leading()
      return plan(request)
    },
    order: async (order, by, cluster) => viewOf(cluster).order(order, by),
    onChange(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    told(isHeard) {
      toldVersion = isHeard ? version : undefined
    },
    refresh,
    close() {
      for (const stop of watched.values()) stop()
      watched.clear()
      table.close()
    },
  }
}
