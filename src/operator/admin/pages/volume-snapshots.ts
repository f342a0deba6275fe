import type { VolumeSnapshot } from '../../../wire/dashboard/object.ts'
import type { Key } from '../../plan/identity.ts'
import type { SnapshotRecord, VolumeRecord } from '../../plan/record.ts'
import { isReady, snapshotActions, snapshotsOf, takenAtMs } from './actions.ts'
import type { ClusterView } from './cluster-view.ts'
import { conditionOf, shownState } from './object-entry.ts'
import { given, referTo, timeOf } from './references.ts'
import { explainRules, planGoing, type RetentionFacts } from './snapshot-fate.ts'

/** The snapshots of a volume, newest first: which rule keeps each, and when it goes. */
export function presentSnapshots(view: ClusterView, volume: VolumeRecord, nowMs: number): VolumeSnapshot[] {
  const snapshots = snapshotsOf(view, volume)
  const going = new Map(
    [...Map.groupBy(snapshots, ({ schedule }) => schedule?.schedule)].flatMap(([schedule, own]) => {
      const facts = schedule === undefined ? undefined : retentionOf(view, schedule)
      return facts === undefined
        ? []
        : [
            ...planGoing(
              own.map((each) => candidateOf(view, each)),
              facts,
              nowMs,
            ),
          ]
    }),
  )
  return snapshots.map((snapshot) => presentSnapshot(view, snapshot, going.get(snapshot.key)))
}

/** undefined: the schedule is not declared any more, and nothing ends its snapshots. */
export function retentionOf(view: ClusterView, schedule: Key): RetentionFacts | undefined {
  const declaration = view.declaration(schedule)
  if (declaration?.kind !== 'SnapshotSchedule') return undefined
  const { spec } = declaration
  return {
    schedule: spec.schedule,
    timeZone: spec.timeZone,
    retention: spec.retention,
    isSuspended: spec.suspend || view.known().inventory.orders(schedule).suspendedSinceMs !== undefined,
  }
}

function candidateOf(view: ClusterView, snapshot: SnapshotRecord) {
  const { key, schedule, status } = snapshot
  return {
    key,
    tickMs: schedule?.tickMs ?? 0,
    ...given('takenAtMs', status.takenAtMs),
    isReady: isReady(snapshot) && schedule?.isExpired !== true,
    isKeptByHand: view.known().inventory.orders(key).keptSinceMs !== undefined,
    isInUse: rulesOf(view, snapshot).includes('source in use'),
  }
}

function rulesOf(view: ClusterView, { key, schedule }: SnapshotRecord): readonly string[] {
  return schedule === undefined ? [] : (view.records.get(schedule.schedule)?.status.kept?.[key] ?? [])
}

function presentSnapshot(
  view: ClusterView,
  record: SnapshotRecord,
  goesAtMs: number | undefined,
): VolumeSnapshot {
  const { key, snapshotID, schedule, status } = record
  const condition = conditionOf(status)
  const keptBy = rulesOf(view, record)
  const atMs = takenAtMs(record)
  return {
    object: referTo(key, view.cluster),
    ...given('snapshotID', snapshotID),
    state: shownState(status),
    reason: condition?.reason ?? 'New',
    message: condition?.message ?? 'no pass has looked at it yet',
    ...given('time', atMs === 0 ? undefined : timeOf(atMs)),
    ...given('sizeBytes', status.sizeBytes === undefined ? undefined : Number(status.sizeBytes)),
    ...given('schedule', schedule?.schedule),
    isKeptByHand: view.known().inventory.orders(key).keptSinceMs !== undefined,
    keptBy: [...keptBy],
    fate: explainFate(view, record, keptBy, goesAtMs),
    ...given('goesAt', goesAtMs === undefined ? undefined : timeOf(goesAtMs)),
    actions: snapshotActions(view, record),
  }
}

function explainFate(
  view: ClusterView,
  record: SnapshotRecord,
  keptBy: readonly string[],
  goesAtMs: number | undefined,
): string {
  const { schedule, declaration } = record
  if (schedule === undefined)
    return `It is declared: it stays while its declaration does, and then ends by deletionPolicy: ${declaration.spec.deletionPolicy}.`
  if (schedule.isExpired) return 'No rule keeps it any more: it is being deleted.'
  const facts = retentionOf(view, schedule.schedule)
  if (facts === undefined) return 'Its schedule is not declared any more, so nothing deletes it.'
  if (facts.isSuspended) return 'Its schedule is suspended, so nothing deletes it meanwhile.'
  if (keptBy.length === 0)
    return isReady(record)
      ? 'Its schedule has not decided about it yet.'
      : 'It is not ready to use, so it counts for no rule and retention leaves it alone.'
  const why = `It stays: ${explainRules(keptBy, facts.retention)}.`
  return goesAtMs === undefined ? why : `${why} After the run at ${timeOf(goesAtMs)} no rule keeps it.`
}
