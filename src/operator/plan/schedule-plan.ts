import { createHash } from 'node:crypto'
import { advise } from '../../lib/reasons/explanation.ts'
import { reasons, stallReasonOf, waitReasonOf } from '../../lib/reasons/reasons.ts'
import type { SnapshotScheduleDeclaration } from '../declare/declaration.ts'
import type { Key } from './identity.ts'
import type { ClockReading, Now } from './now.ts'
import type { SnapshotRecord, SnapshotScheduleRecord } from './record.ts'
import { planRetention } from './retention.ts'
import { findLeap, type Leap, scheduleDateMs, stepMs } from './schedule-clock.ts'
import { latestTickMs, nextTickMs } from './schedule-times.ts'
import type { Obstacle, Verdict } from './status.ts'

/** A declared volume that the schedule selects. */
export interface ScheduledVolume {
  readonly key: Key
  /** metadata.name of its declaration. */
  readonly name: string
  /** Whether it exists, so that a snapshot can be taken. */
  readonly exists: boolean
  /** Why no snapshot may be taken of it; undefined if one may. */
  readonly refusal?: string
}

export interface ScheduleObservation {
  readonly volumes: readonly ScheduledVolume[]
  /** Every snapshot that this schedule made, of all volumes. */
  readonly snapshots: readonly SnapshotRecord[]
  /** Snapshots that are ready to use: their plugin lists them so, or it cannot list and its answer to the create said so. */
  readonly ready: ReadonlySet<Key>
  /** Snapshots of which this cannot be known, with their plugin. */
  readonly unknown: ReadonlyMap<Key, string>
  /** Snapshots that a person ordered to keep. */
  readonly keptByHand: ReadonlySet<Key>
  /** IDs of the snapshots from which a volume has still to be created or restored. */
  readonly sourcesInUse: ReadonlySet<string>
}

/** One change to the inventory. The snapshot's own passes carry it out. */
export type ScheduleChange =
  | { readonly type: 'start'; readonly volume: ScheduledVolume; readonly tickMs: number }
  | { readonly type: 'miss'; readonly volume: ScheduledVolume; readonly tickMs: number; readonly why: string }
  | { readonly type: 'expire'; readonly snapshot: Key; readonly isTaken: boolean }

export interface ScheduleDecision {
  readonly change?: ScheduleChange
  readonly verdict: Verdict
  readonly againAfterMs: number
  readonly nextRunMs: number | undefined
  /** For each snapshot that stays, the rules that keep it. */
  readonly kept: ReadonlyMap<Key, readonly string[]>
}

/** How long to wait if no event reports the change. */
const waitPollMs = 15_000
/** A clock that is set right sends no event. */
const leapPollMs = 60_000
/** More names make a message unreadable. */
const mostNames = 5

/**
 * Decides for one schedule: at most one change. Even after a crash, a volume gets one snapshot for each scheduled time:
 * the snapshot's key contains that time, and the last handled time is recorded.
 */
export function planSchedule(
  declaration: SnapshotScheduleDeclaration,
  record: SnapshotScheduleRecord,
  observation: ScheduleObservation,
  now: Now,
): ScheduleDecision {
  const { spec } = declaration
  const leap = findLeap(record, now)
  const nowMs = scheduleDateMs(leap, now)
  const nextRunMs = nextTickMs(spec, nowMs)
  const retentions = [...Map.groupBy(observation.snapshots, volumeOf).values()].map((snapshots) =>
    planRetention(
      snapshots.filter(isLive).map((snapshot) => candidateOf(snapshot, observation)),
      spec.retention,
      spec.timeZone,
      nowMs,
    ),
  )
  const common = {
    nextRunMs,
    kept: new Map(retentions.flatMap(({ kept }) => [...kept])),
    againAfterMs: Math.max(
      0,
      Math.min(
        (nextRunMs ?? nowMs + waitPollMs) - nowMs,
        ...observation.volumes.map((volume) => untilDue(declaration, record, volume, nowMs)),
      ),
    ),
  }
  if (spec.suspend) {
    return {
      ...common,
      verdict: {
        state: 'suspended',
        reason: 'Suspended',
        message: 'spec.suspend is true: no snapshot is taken and none expires',
      },
    }
  }

  const waits: string[] = []
  for (const volume of observation.volumes) {
    const due = planDue(declaration, record, volume, observation.snapshots, nowMs)
    if (due === undefined) continue
    if (typeof due !== 'string') return { ...common, change: due, verdict: working(due) }
    waits.push(due)
  }
  if (leap !== undefined && record.clock !== undefined) {
    const title = `${spec.namespace}/${declaration.name}`
    return {
      ...common,
      againAfterMs: Math.min(common.againAfterMs, leapPollMs),
      verdict: {
        state: 'stalled',
        reason: 'ClockLeapt',
        message: explainLeap(leap, record.clock, now, title),
      },
    }
  }
  const [change] = [
    ...retentions.flatMap((retention) => retention.expired.map((snapshot) => expire(snapshot, true))),
    ...neverTaken(observation.snapshots).map((snapshot) => expire(snapshot, false)),
  ]
  if (change !== undefined) return { ...common, change, verdict: working(change) }
  if (spec.retention !== undefined && observation.unknown.size > 0) {
    return {
      ...common,
      verdict: {
        state: 'stalled',
        reason: 'RetentionUnsupported',
        message: explainUnknown(observation.unknown),
      },
    }
  }
  if (observation.volumes.length === 0) {
    return {
      ...common,
      verdict: {
        state: 'waiting',
        reason: 'NoVolumes',
        message: `spec.volumes selects no declared volume. ${advise(reasons.NoVolumes.person.correct())}`,
      },
    }
  }
  if (waits.length > 0) {
    return {
      ...common,
      againAfterMs: waitPollMs,
      verdict: { state: 'waiting', reason: 'RunWaits', message: waits.join('; ') },
    }
  }
  const next = nextRunMs === undefined ? 'never' : `at ${new Date(nextRunMs).toISOString()}`
  const failed = explainFailed(observation)
  if (failed !== undefined)
    return { ...common, verdict: { ...failed, message: `${failed.message}. Next try: ${next}` } }
  const repeated = explainRepeated(observation, nextRunMs, nowMs)
  if (repeated !== undefined)
    return { ...common, verdict: { state: 'waiting', reason: 'RunWaits', message: repeated } }
  return { ...common, verdict: { state: 'ready', reason: 'Scheduled', message: `next run ${next}` } }
}

/**
 * Why the next run takes nothing: the date went back, and its time has a snapshot already. A process that took over on
 * another machine cannot see that by its own clock.
 */
function explainRepeated(
  { volumes, snapshots }: ScheduleObservation,
  nextRunMs: number | undefined,
  nowMs: number,
): string | undefined {
  const keys = new Set(volumes.map(({ key }) => key))
  const times = snapshots.flatMap(({ schedule }) =>
    schedule !== undefined && keys.has(schedule.volume) && schedule.tickMs > nowMs ? [schedule.tickMs] : [],
  )
  const lastMs = Math.max(...times)
  if (nextRunMs === undefined || !times.includes(nextRunMs) || lastMs <= nowMs + stepMs) return undefined
  const [next, last] = [nextRunMs, lastMs].map((ms) => new Date(ms).toISOString())
  return `the snapshot for the next run, at ${next}, is there already: the date went back since it was taken. Runs take snapshots again after ${last}. ${advise(reasons.ClockLeapt.person.setClock())}`
}

const expire = (snapshot: Key, isTaken: boolean) => ({ type: 'expire', snapshot, isTaken }) as const

/** Why the last run of a volume took no snapshot, so far or for good. People who rely on the schedule must hear of it. */
function explainFailed({ volumes, snapshots }: ScheduleObservation): Obstacle | undefined {
  const waiting: Obstacle[] = []
  for (const { key, name } of volumes) {
    const [latest] = snapshots
      .filter((snapshot) => isLive(snapshot) && volumeOf(snapshot) === key)
      .sort((one, other) => (other.schedule?.tickMs ?? 0) - (one.schedule?.tickMs ?? 0))
    if (latest === undefined || latest.snapshotID !== undefined) continue
    const obstacle = obstacleTo(latest)
    if (obstacle === undefined) continue
    const verb = obstacle.state === 'stalled' ? 'took no snapshot' : 'has taken no snapshot yet'
    const message = `the last run ${verb} of volume "${name}": ${obstacle.message.replace(/\.$/, '')}`
    if (obstacle.state === 'stalled') return { ...obstacle, message }
    waiting.push({ ...obstacle, message })
  }
  return waiting[0]
}

/** What a snapshot that is not taken waits for. */
function obstacleTo({ status }: SnapshotRecord): Obstacle | undefined {
  const found = status.conditions.find(({ type, status }) => type !== 'Ready' && status === 'True')
  if (found === undefined) return undefined
  const { type, reason, message } = found
  if (type === 'Stalled') return { state: 'stalled', reason: stallReasonOf(reason), message }
  const waits = waitReasonOf(reason)
  return waits && { state: 'waiting', reason: waits, message }
}

/** Snapshots that failed for good, each with a later one of its volume. Otherwise every run would leave one more. */
function neverTaken(snapshots: readonly SnapshotRecord[]): Key[] {
  return [...Map.groupBy(snapshots.filter(isLive), volumeOf).values()].flatMap((ofVolume) => {
    const latestMs = Math.max(...ofVolume.map(({ schedule }) => schedule?.tickMs ?? 0))
    return ofVolume
      .filter(({ snapshotID, intent }) => snapshotID === undefined && intent === undefined)
      .filter((snapshot) => hasCondition(snapshot, 'Stalled') && (snapshot.schedule?.tickMs ?? 0) < latestMs)
      .map(({ key }) => key)
  })
}

/** Says what the clock did, what that means and what to do. The text stays the same while the clock does. */
function explainLeap(
  { type, expectedMs }: Leap,
  reading: ClockReading,
  { dateMs }: Now,
  title: string,
): string {
  const since = new Date(reading.dateMs).toISOString()
  const by = describeSpan(Math.abs(dateMs - expectedMs))
  const { setClock, trust, annotate } = reasons.ClockLeapt.person
  const remedy = advise(setClock(), trust({ target: title }), annotate())
  return type === 'unseen'
    ? `the date is ${by} after ${since}, when it was last seen to be right. The machine was off for that long, or its clock is wrong: snapshots are taken, and none expires. ${remedy}`
    : `since ${since} the date has moved ${by} ${type === 'ahead' ? 'further than' : 'behind'} the time that passed. Snapshots are taken by the time that passed, and none expires. ${remedy}`
}

function describeSpan(ms: number): string {
  const [days, hours, minutes] = [86_400_000, 3_600_000, 60_000].map((unit) => Math.round(ms / unit))
  if (days !== undefined && days >= 3) return `${days} days`
  return hours !== undefined && hours >= 3 ? `${hours} hours` : `${minutes} minutes`
}

function explainUnknown(unknown: ReadonlyMap<Key, string>): string {
  const names = [...unknown.keys()].map((key) => key.split('/').slice(1).join('/'))
  const { keep, removeRetention } = reasons.RetentionUnsupported.person
  const [namespace = ''] = names[0]?.split('/') ?? []
  const plugins = [...new Set(unknown.values())].map((id) => `"${id}"`).join(', ')
  const listed = names.slice(0, mostNames).join(', ')
  const more = names.length > mostNames ? ` and ${names.length - mostNames} more` : ''
  return `plugin ${plugins} cannot list snapshots, and it is not known whether these are ready to use: ${listed}${more}. None of them expires or counts. ${advise(keep({ namespace }), removeRetention())}`
}

/** Decides for the latest scheduled time: nothing (undefined), a change, or a reason to wait. */
function planDue(
  declaration: SnapshotScheduleDeclaration,
  record: SnapshotScheduleRecord,
  volume: ScheduledVolume,
  snapshots: readonly SnapshotRecord[],
  nowMs: number,
): ScheduleChange | string | undefined {
  const { spec } = declaration
  const tickMs = latestTickMs(spec, nowMs)
  if (tickMs === undefined || tickMs <= lastHandledMs(record, volume)) return undefined
  if (nowMs < tickMs + jitterMs(declaration, volume)) return undefined
  const inFlight = snapshots.find((snapshot) => volumeOf(snapshot) === volume.key && isInFlight(snapshot))
  const obstacle =
    volume.refusal !== undefined
      ? volume.refusal
      : !volume.exists
        ? `volume "${volume.name}" does not exist yet`
        : inFlight === undefined
          ? undefined
          : `snapshot "${inFlight.declaration.name}" of volume "${volume.name}" is not finished yet`
  if (nowMs - tickMs > spec.startingDeadlineSeconds * 1000) {
    return { type: 'miss', volume, tickMs, why: obstacle ?? 'no operator took it in time' }
  }
  return obstacle ?? { type: 'start', volume, tickMs }
}

/** Runs from before the schedule was declared, or before its times were changed, are not caught up. */
function lastHandledMs(record: SnapshotScheduleRecord, volume: ScheduledVolume): number {
  return Math.max(record.ticks[volume.key] ?? 0, record.sinceMs)
}

/** How long until the jitter of a run that has come is over. */
function untilDue(
  declaration: SnapshotScheduleDeclaration,
  record: SnapshotScheduleRecord,
  volume: ScheduledVolume,
  nowMs: number,
): number {
  const tickMs = latestTickMs(declaration.spec, nowMs)
  if (tickMs === undefined || tickMs <= lastHandledMs(record, volume)) return Number.POSITIVE_INFINITY
  const dueMs = tickMs + jitterMs(declaration, volume)
  return dueMs > nowMs ? dueMs - nowMs : Number.POSITIVE_INFINITY
}

/** The delay of the volume's run. It is the same each time and after a restart. */
function jitterMs({ name, spec }: SnapshotScheduleDeclaration, volume: ScheduledVolume): number {
  if (spec.jitterSeconds === 0) return 0
  const digest = createHash('sha256')
    .update(JSON.stringify([name, volume.key]))
    .digest()
  return Math.floor((digest.readUInt32BE() / 2 ** 32) * spec.jitterSeconds * 1000)
}

function volumeOf(snapshot: SnapshotRecord): Key {
  return snapshot.schedule?.volume ?? ''
}

function isLive(snapshot: SnapshotRecord): boolean {
  return snapshot.schedule?.isExpired !== true
}

function hasCondition(snapshot: SnapshotRecord, type: 'Ready' | 'Stalled'): boolean {
  return snapshot.status.conditions.some(
    (condition) => condition.type === type && condition.status === 'True',
  )
}

/** Whether it is neither ready nor stalled. A second snapshot beside it would only compete with it. */
export function isInFlight(snapshot: SnapshotRecord): boolean {
  return isLive(snapshot) && !hasCondition(snapshot, 'Ready') && !hasCondition(snapshot, 'Stalled')
}

function candidateOf(snapshot: SnapshotRecord, { ready, keptByHand, sourcesInUse }: ScheduleObservation) {
  return {
    key: snapshot.key,
    tickMs: snapshot.schedule?.tickMs ?? 0,
    ...(snapshot.status.takenAtMs === undefined ? {} : { takenAtMs: snapshot.status.takenAtMs }),
    isReady: ready.has(snapshot.key),
    isKeptByHand: keptByHand.has(snapshot.key),
    isInUse: snapshot.snapshotID !== undefined && sourcesInUse.has(snapshot.snapshotID),
  }
}

function working(change: ScheduleChange): Verdict {
  switch (change.type) {
    case 'start':
      return {
        state: 'working',
        reason: 'Starting',
        message: `taking the snapshot of volume "${change.volume.name}" for ${new Date(change.tickMs).toISOString()}`,
      }
    case 'miss':
      return {
        state: 'working',
        reason: 'RunMissed',
        message: `missed the run of ${new Date(change.tickMs).toISOString()} for volume "${change.volume.name}": ${change.why}`,
      }
    case 'expire':
      return {
        state: 'working',
        reason: 'Expiring',
        message: change.isTaken
          ? `no retention rule keeps ${change.snapshot}`
          : `${change.snapshot} was never taken, and there is a later one`,
      }
  }
}
