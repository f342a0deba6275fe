import type { ActivityEntry } from '../../../wire/dashboard/common.ts'
import type {
  Attention,
  ClusterHealth,
  NextSnapshot,
  OperatorSummary,
  Overview,
  PluginHealth,
  SourceSummary,
  StateCounts,
} from '../../../wire/dashboard/overview.ts'
import { formatPlace, type Problem, type SnapshotScheduleDeclaration } from '../../declare/declaration.ts'
import { selectsVolume } from '../../plan/selects-volume.ts'
import { remedyActions } from './actions.ts'
import type { ClusterView } from './cluster-view.ts'
import { explain } from './explain.ts'
import { type ObjectEntry, rowOf } from './object-entry.ts'
import type { ObjectSummary } from './object-table.ts'
import { given, referTo, timeOf } from './references.ts'

const mostAttention = 100
const mostProgress = 50
const mostNext = 20

/** The first page: what needs a person, and what goes on. */
export function presentOverview(parts: {
  readonly views: readonly ClusterView[]
  readonly summary: ObjectSummary
  readonly clusters: readonly ClusterHealth[]
  readonly plugins: readonly PluginHealth[]
  readonly nextSnapshots: readonly NextSnapshot[]
  readonly lately: readonly ActivityEntry[]
  readonly operator: OperatorSummary
}): Overview {
  const { views, clusters, plugins, lately, operator } = parts
  const { counts, serious, working } = parts.summary
  const problems = views.flatMap((view) => view.problems())
  const attention = [
    ...mostSerious(serious).map(presentAttention),
    ...problems.slice(0, mostAttention).map(presentProblem),
  ].sort((one, other) => one.severity - other.severity)
  const total = serious.size + problems.length
  return {
    sentence: summarise(counts, total),
    counts,
    needsPerson: attention.slice(0, mostAttention),
    needsPersonTotal: total,
    inProgress: [...working.values().take(mostProgress)].map((entry) => {
      const { object, reason, message, since } = rowOf(entry)
      return { object, reason, message, ...given('since', since) }
    }),
    inProgressTotal: working.size,
    sources: views.flatMap(presentSourceStates),
    clusters: [...clusters],
    plugins: [...plugins],
    nextSnapshots: [...parts.nextSnapshots],
    lately: [...lately],
    operator,
  }
}

/** The most serious, and of those what has waited longest. Without sorting all of them. */
function mostSerious(entries: Iterable<ObjectEntry>): ObjectEntry[] {
  const best: ObjectEntry[] = []
  const compare = (one: ObjectEntry, other: ObjectEntry) =>
    (one.severity ?? 0) - (other.severity ?? 0) || one.sinceMs - other.sinceMs
  for (const entry of entries) {
    const last = best.at(-1)
    if (best.length === mostAttention && last !== undefined && compare(last, entry) <= 0) continue
    const place = best.findIndex((each) => compare(entry, each) < 0)
    best.splice(place === -1 ? best.length : place, 0, entry)
    if (best.length > mostAttention) best.pop()
  }
  return best
}

/** `412 of 415 as declared; 3 need you.` */
export function summarise({ total, Ready, Reconciling }: StateCounts, needsPerson: number): string {
  if (total === 0)
    return needsPerson === 0 ? 'Nothing is declared yet.' : `Nothing is declared; ${need(needsPerson)}.`
  const work = Reconciling === 0 ? '' : `; ${Reconciling} in progress`
  const person = needsPerson === 0 ? '; nothing needs you' : `; ${need(needsPerson)}`
  const all =
    Ready === total
      ? total === 1
        ? 'The one object is as declared'
        : `All ${total} are as declared`
      : `${Ready} of ${total} as declared`
  return `${all}${work}${person}.`
}

const need = (count: number) => `${count} ${count === 1 ? 'needs' : 'need'} you`

function presentAttention(entry: ObjectEntry): Attention {
  const { view, key, refusal, severity = 0 } = entry
  const { object, state, reason, message, since, place } = rowOf(entry)
  const explanation = explain(reason, key, view.records.get(key))
  return {
    object,
    severity,
    state,
    reason,
    message,
    ...given('since', since),
    place,
    ...given('explanation', explanation),
    actions: refusal === undefined ? remedyActions(view, key, reason) : [],
  }
}

function presentProblem({ place, field, message }: Problem): Attention {
  return {
    severity: 2,
    state: 'Invalid',
    reason: 'Invalid',
    message: field === '' ? message : `${field}: ${message}`,
    place: formatPlace(place),
    actions: [],
  }
}

export function presentSourceStates(view: ClusterView): SourceSummary[] {
  return view.sources().map(({ name, last, lastCompleteMs, commit }) => ({
    name,
    ...given('cluster', view.cluster),
    ...given('lastComplete', lastCompleteMs === undefined ? undefined : timeOf(lastCompleteMs)),
    ...given('isComplete', last?.isComplete),
    declarations: last?.declarations ?? 0,
    problems: last?.problems ?? 0,
    ...given('commit', commit),
  }))
}

/**
 * The schedules that run next.
 * @param remember keeps how many volumes a schedule selects: that looks at all of them
 */
export function nextSnapshots(
  views: readonly ClusterView[],
  remember: (name: string, count: () => number) => number,
): NextSnapshot[] {
  return views
    .flatMap((view) =>
      view.records.find('kind', 'SnapshotSchedule').flatMap((record) => {
        const { nextRunMs } = record.status
        return nextRunMs === undefined || record.kind !== 'SnapshotSchedule'
          ? []
          : [{ view, record, nextRunMs }]
      }),
    )
    .sort((one, other) => one.nextRunMs - other.nextRunMs)
    .slice(0, mostNext)
    .map(({ view, record: { key, declaration }, nextRunMs }) => ({
      schedule: referTo(key, view.cluster),
      time: timeOf(nextRunMs),
      timeZone: declaration.spec.timeZone,
      volumes: remember(JSON.stringify([view.cluster, key]), () => countVolumes(view, declaration)),
    }))
}

function countVolumes(view: ClusterView, schedule: SnapshotScheduleDeclaration): number {
  let count = 0
  for (const each of view.declarations().values())
    if (each.kind === 'Volume' && selectsVolume(schedule, each)) count += 1
  return count
}
