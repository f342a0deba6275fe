import type { ActivityEntry, ObjectState } from '../../../wire/dashboard/common.ts'
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
import { formatPlace, type Problem } from '../../declare/declaration.ts'
import { selectsVolume } from '../../plan/selects-volume.ts'
import { remedyActions } from './actions.ts'
import type { ClusterView } from './cluster-view.ts'
import { explain } from './explain.ts'
import { type ObjectEntry, rowOf } from './object-entry.ts'
import { given, referTo, timeOf } from './references.ts'

const mostAttention = 100
const mostProgress = 50
const mostNext = 20

/** Data are in danger, or lost. */
const dangers = new Set([
  'Vanished',
  'ExternalVolumeMissing',
  'ExternalVolumeAbnormal',
  'ExternalIDChanged',
  'SharedExternalID',
  'DetachNeedsWord',
])
/** It waits for a person's word, and stays as it is meanwhile. */
const waitsForWord = new Set([
  'SourceUnclear',
  'SourceNotRead',
  'TooManyEnds',
  'SourceEmpty',
  'PruneDisabled',
  'DeleteUnconfirmed',
])

/** How serious it is, from 1; undefined: it needs nobody. */
export function severityOf(state: ObjectState, reason: string): number | undefined {
  if (state === 'Stalled') return dangers.has(reason) ? 1 : 2
  if (state === 'Refused') return 2
  return state === 'Held' && waitsForWord.has(reason) ? 3 : undefined
}

/** The first page: what needs a person, and what goes on. */
export function presentOverview(parts: {
  readonly views: readonly ClusterView[]
  readonly entries: readonly ObjectEntry[]
  readonly clusters: readonly ClusterHealth[]
  readonly plugins: readonly PluginHealth[]
  readonly lately: readonly ActivityEntry[]
  readonly operator: OperatorSummary
}): Overview {
  const { views, entries, clusters, plugins, lately, operator } = parts
  const counts = countStates(entries)
  const problems = views.flatMap((view) => view.problems().map((problem) => ({ view, problem })))
  const serious = entries
    .flatMap((entry) => {
      const severity = severityOf(entry.state, reasonOf(entry))
      return severity === undefined ? [] : [{ entry, severity }]
    })
    .sort((one, other) => one.severity - other.severity || one.entry.sinceMs - other.entry.sinceMs)
  const attention = [
    ...serious.slice(0, mostAttention).map(({ entry, severity }) => presentAttention(entry, severity)),
    ...problems.slice(0, mostAttention).map(({ problem }) => presentProblem(problem)),
  ].sort((one, other) => one.severity - other.severity)
  const working = entries.filter(({ state }) => state === 'Reconciling')
  const total = serious.length + problems.length
  return {
    sentence: summarise(counts, total),
    counts,
    needsPerson: attention.slice(0, mostAttention),
    needsPersonTotal: total,
    inProgress: working.slice(0, mostProgress).map((entry) => {
      const { object, reason, message, since } = rowOf(entry)
      return { object, reason, message, ...given('since', since) }
    }),
    inProgressTotal: working.length,
    sources: views.flatMap(presentSourceStates),
    clusters: [...clusters],
    plugins: [...plugins],
    nextSnapshots: nextSnapshots(views),
    lately: [...lately],
    operator,
  }
}

export function countStates(entries: readonly ObjectEntry[]): StateCounts {
  const counts = { total: entries.length, Ready: 0, Reconciling: 0, Stalled: 0, Held: 0, Refused: 0 }
  for (const { state } of entries) counts[state] += 1
  return counts
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

function reasonOf({ refusal, view, key }: ObjectEntry): string {
  if (refusal !== undefined) return refusal.reason
  const conditions = view.records.get(key)?.status.conditions ?? []
  return (
    (conditions.find(({ status, type }) => type !== 'Ready' && status === 'True') ?? conditions[0])?.reason ??
    'New'
  )
}

function presentAttention(entry: ObjectEntry, severity: number): Attention {
  const { view, key, refusal } = entry
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

function nextSnapshots(views: readonly ClusterView[]): NextSnapshot[] {
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
    .map(({ view, record, nextRunMs }) => ({
      schedule: referTo(record.key, view.cluster),
      time: timeOf(nextRunMs),
      timeZone: record.declaration.spec.timeZone,
      volumes: [...view.declarations().values()].filter(
        (each) => each.kind === 'Volume' && selectsVolume(record.declaration, each),
      ).length,
    }))
}
