import type { PageQuery, PastRun, SchedulePage, ScheduleRow } from '../../../wire/dashboard/schedules.ts'
import type { SnapshotScheduleRecord } from '../../plan/record.ts'
import { nextTickMs } from '../../plan/schedule-times.ts'
import { actionsFor, isReady } from './actions.ts'
import type { ClusterView } from './cluster-view.ts'
import { conditionOf, shownState } from './object-entry.ts'
import type { RecoveryFacts } from './recoverability.ts'
import { createSearch, given, pageOf, referTo, timeOf } from './references.ts'
import { describeRetention } from './snapshot-fate.ts'

const mostNextRuns = 20
const mostPastRuns = 200
const mostVolumes = 200

/** @param facts of all volumes, the worst first */
export function presentSchedules(
  views: readonly ClusterView[],
  facts: readonly RecoveryFacts[],
  nowMs: number,
  query: PageQuery,
): SchedulePage {
  const search = createSearch(query.text)
  const found = views
    .flatMap((view) =>
      view.records
        .find('kind', 'SnapshotSchedule')
        .flatMap((record) => (record.kind === 'SnapshotSchedule' ? [{ view, record }] : [])),
    )
    .filter(({ record }) => search(`${record.key}\n${record.declaration.spec.schedule}`.toLowerCase()))
    .sort((one, other) => (one.record.key < other.record.key ? -1 : 1))
  const { items, page, size } = pageOf(found, query)
  return {
    rows: items.map(({ view, record }) => presentSchedule(view, record, facts, nowMs)),
    total: found.length,
    page,
    size,
  }
}

export function presentSchedule(
  view: ClusterView,
  record: SnapshotScheduleRecord,
  facts: readonly RecoveryFacts[],
  nowMs: number,
): ScheduleRow {
  const { key, declaration, status } = record
  const { spec } = declaration
  const condition = conditionOf(status)
  const isSuspended = spec.suspend || view.known().inventory.orders(key).suspendedSinceMs !== undefined
  const own = facts.filter(
    (each) => each.view === view && each.schedules.some((schedule) => schedule.key === key),
  )
  return {
    object: referTo(key, view.cluster),
    state: shownState(status),
    reason: condition?.reason ?? 'New',
    message: condition?.message ?? 'no pass has looked at it yet',
    schedule: spec.schedule,
    timeZone: spec.timeZone,
    isSuspended,
    retention: describeRetention(spec.retention),
    nextRuns: isSuspended ? [] : nextRuns(spec, nowMs).map(timeOf),
    pastRuns: pastRuns(view, record),
    volumes: own.slice(0, mostVolumes).map(({ volume, newest, goal, result }) => ({
      volume: referTo(volume.key, view.cluster),
      ...given('newest', newest && timeOf(newest.status.takenAtMs ?? newest.schedule?.tickMs ?? 0)),
      ...given('goal', goal),
      result,
    })),
    volumesTotal: own.length,
    actions: actionsFor(view, key),
  }
}

function nextRuns(times: { schedule: string; timeZone: string }, nowMs: number): number[] {
  const runs: number[] = []
  let atMs: number | undefined = nowMs
  while (runs.length < mostNextRuns) {
    atMs = nextTickMs(times, atMs)
    if (atMs === undefined) break
    runs.push(atMs)
  }
  return runs
}

/** What the records and the log know of past runs, newest first. */
function pastRuns(view: ClusterView, { key, status }: SnapshotScheduleRecord): PastRun[] {
  const there = view.records.find('schedule', key).flatMap((record): (PastRun & { atMs: number })[] => {
    if (record.kind !== 'Snapshot' || record.schedule === undefined) return []
    const condition = conditionOf(record.status)
    const { tickMs, volume, isExpired } = record.schedule
    const state = shownState(record.status)
    return [
      {
        atMs: tickMs,
        time: timeOf(tickMs),
        volume,
        snapshot: record.key,
        outcome: isExpired
          ? 'deleted'
          : isReady(record)
            ? 'ready'
            : state === 'Stalled'
              ? 'failed'
              : 'in progress',
        message: condition?.message ?? 'no pass has looked at it yet',
      },
    ]
  })
  const past = view.activity
    .of(key)
    .flatMap(({ what, outcome, why, atMs }): (PastRun & { atMs: number })[] => {
      if (outcome !== 'done') return []
      if (what === 'miss-run') return [{ atMs, time: timeOf(atMs), outcome: 'missed', message: why }]
      return what === 'expire-snapshot'
        ? [{ atMs, time: timeOf(atMs), outcome: 'deleted', message: why }]
        : []
    })
  const { lastMissedRunMs } = status
  const isMissing = lastMissedRunMs !== undefined && !past.some(({ outcome }) => outcome === 'missed')
  const missed = isMissing
    ? [
        {
          atMs: lastMissedRunMs,
          time: timeOf(lastMissedRunMs),
          outcome: 'missed' as const,
          message: 'a run was missed',
        },
      ]
    : []
  return [...there, ...past, ...missed]
    .sort((one, other) => other.atMs - one.atMs)
    .slice(0, mostPastRuns)
    .map(({ atMs: _, ...run }) => run)
}
