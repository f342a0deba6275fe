import { createBreather } from '../../../lib/breather.ts'
import { parseDuration } from '../../../lib/duration.ts'
import type {
  PageQuery,
  Recoverability,
  RecoverabilityPage,
  SnapshotGoal,
} from '../../../wire/dashboard/schedules.ts'
import type { Key } from '../../plan/identity.ts'
import type { SnapshotRecord, SnapshotScheduleRecord, VolumeRecord } from '../../plan/record.ts'
import { latestTickMs, nextTickMs } from '../../plan/schedule-times.ts'
import { selectsVolume } from '../../plan/selects-volume.ts'
import { isReady, takenAtMs } from './actions.ts'
import type { ClusterView } from './cluster-view.ts'
import { shownState } from './object-entry.ts'
import { createSearch, given, pageOf, referTo, timeOf } from './references.ts'

/** A volume, and what it could be recovered from. */
export interface RecoveryFacts {
  readonly view: ClusterView
  readonly volume: VolumeRecord
  readonly schedules: readonly SnapshotScheduleRecord[]
  readonly newest: SnapshotRecord | undefined
  readonly ready: number
  readonly goal: SnapshotGoal | undefined
  readonly result: Recoverability['result']
  readonly ageMs: number | undefined
}

const resultOrder = { never: 0, missed: 1, none: 2, met: 3 }

/** All volumes, the worst first. Other work runs meanwhile. */
export async function recoveryFacts(views: readonly ClusterView[], nowMs: number): Promise<RecoveryFacts[]> {
  const facts: RecoveryFacts[] = []
  for (const view of views) facts.push(...(await factsOfView(view, nowMs)))
  return facts.sort(
    (one, other) =>
      resultOrder[one.result] - resultOrder[other.result] ||
      (other.ageMs ?? Number.MAX_SAFE_INTEGER) - (one.ageMs ?? Number.MAX_SAFE_INTEGER) ||
      (one.volume.key < other.volume.key ? -1 : 1),
  )
}

async function factsOfView(view: ClusterView, nowMs: number): Promise<RecoveryFacts[]> {
  const breathe = createBreather()
  const best = newestReady(view)
  const schedules = view.records.find('kind', 'SnapshotSchedule').flatMap((record) => {
    const declaration = view.declaration(record.key)
    return record.kind === 'SnapshotSchedule' && declaration?.kind === 'SnapshotSchedule'
      ? [{ record, declaration, goal: goalOf(view, record, nowMs) }]
      : []
  })
  const facts: RecoveryFacts[] = []
  for (const volume of view.records.find('kind', 'Volume')) {
    if (volume.kind !== 'Volume') continue
    const selecting = schedules.filter(({ declaration }) => selectsVolume(declaration, volume.declaration))
    const goal = strictest(selecting.flatMap((each) => each.goal ?? []))
    const { newest, ready = 0 } = best.get(volume.key) ?? {}
    const ageMs = newest === undefined ? undefined : nowMs - takenAtMs(newest)
    facts.push({
      ...{ view, volume, newest, ready, goal, ageMs },
      schedules: selecting.map(({ record }) => record),
      result: judge(ageMs, goal),
    })
    const breath = breathe()
    if (breath !== undefined) await breath
  }
  return facts
}

function strictest(goals: readonly SnapshotGoal[]): SnapshotGoal | undefined {
  return goals.reduce<SnapshotGoal | undefined>(
    (least, each) => (least === undefined || each.maxAgeMs < least.maxAgeMs ? each : least),
    undefined,
  )
}

/** Whether the newest good snapshot is as young as it has to be. Pure. */
export function judge(ageMs: number | undefined, goal: SnapshotGoal | undefined): Recoverability['result'] {
  if (ageMs === undefined) return 'never'
  if (goal === undefined) return 'none'
  return ageMs <= goal.maxAgeMs ? 'met' : 'missed'
}

/** What the schedule has to achieve; or else every run on time: the longest that a snapshot may be the newest one. undefined: the schedule is suspended. */
function goalOf(
  view: ClusterView,
  { key, declaration }: SnapshotScheduleRecord,
  nowMs: number,
): SnapshotGoal | undefined {
  const { spec, name } = declaration
  const age = spec.objectives?.age
  if (spec.suspend || view.known().inventory.orders(key).suspendedSinceMs !== undefined) return undefined
  if (age !== undefined) {
    return { maxAgeMs: parseDuration(age) ?? 0, from: `schedule ${name}: spec.objectives.age is ${age}` }
  }
  const latestMs = latestTickMs(spec, nowMs)
  const nextMs = nextTickMs(spec, nowMs)
  if (latestMs === undefined || nextMs === undefined) return undefined
  const lateMs = (spec.startingDeadlineSeconds + spec.jitterSeconds) * 1000
  const maxAgeMs = nextMs - latestMs + lateMs
  return { maxAgeMs, from: `schedule ${name}: every run in time (${spec.schedule}, ${spec.timeZone})` }
}

/** By volume, in one pass over all snapshots. */
function newestReady(view: ClusterView): ReadonlyMap<Key, { newest: SnapshotRecord; ready: number }> {
  const best = new Map<Key, { newest: SnapshotRecord; ready: number }>()
  for (const record of view.records.find('kind', 'Snapshot')) {
    if (record.kind !== 'Snapshot' || !isReady(record) || record.schedule?.isExpired) continue
    const volume = record.schedule?.volume ?? volumeOf(view, record)
    if (volume === undefined) continue
    const before = best.get(volume)
    const isNewer = before === undefined || takenAtMs(record) > takenAtMs(before.newest)
    best.set(volume, { newest: isNewer ? record : before.newest, ready: (before?.ready ?? 0) + 1 })
  }
  return best
}

function volumeOf(view: ClusterView, { declaration: { spec } }: SnapshotRecord): Key | undefined {
  return view.records.find('volumeName', `${spec.namespace}/${spec.volume}`)[0]?.key
}

export function presentRecoverability(facts: readonly RecoveryFacts[], query: PageQuery): RecoverabilityPage {
  const search = createSearch(query.text)
  const found = facts.filter(({ volume }) =>
    search(`${volume.key}\n${volume.declaration.name}\n${volume.declaration.spec.pluginID}`.toLowerCase()),
  )
  const { items, page, size } = pageOf(found, query)
  const bad = facts.filter(({ result }) => result === 'missed' || result === 'never').length
  return {
    sentence:
      facts.length === 0
        ? 'There is no volume yet.'
        : bad === 0
          ? `All ${facts.length} volumes have a snapshot that is as young as it should be.`
          : `${bad} of ${facts.length} volumes have no snapshot that is as young as it should be.`,
    rows: items.map(presentFacts),
    total: found.length,
    page,
    size,
  }
}

function presentFacts({
  view,
  volume,
  newest,
  ready,
  goal,
  result,
  schedules,
}: RecoveryFacts): Recoverability {
  const { lastRestore } = volume.status
  return {
    volume: referTo(volume.key, view.cluster),
    state: shownState(volume.status),
    pluginID: volume.declaration.spec.pluginID,
    ...given(
      'newest',
      newest && { object: referTo(newest.key, view.cluster), time: timeOf(takenAtMs(newest)) },
    ),
    snapshots: ready,
    schedules: schedules.map(({ key }) => referTo(key, view.cluster)),
    ...given('goal', goal),
    result,
    sentence: sentenceOf(result, schedules.length),
    ...given(
      'lastRestore',
      lastRestore && {
        time: timeOf(lastRestore.atMs),
        outcome: lastRestore.outcome,
        message: lastRestore.message,
      },
    ),
  }
}

function sentenceOf(result: Recoverability['result'], schedules: number): string {
  switch (result) {
    case 'never':
      return schedules === 0
        ? 'It has no snapshot that is ready to use, and no schedule selects it.'
        : 'It has no snapshot that is ready to use yet.'
    case 'missed':
      return 'Its newest snapshot is older than its schedule allows.'
    case 'none':
      return 'It has a snapshot, and no active schedule says how old it may be.'
    case 'met':
      return 'Its newest snapshot is as young as its schedule asks.'
  }
}
