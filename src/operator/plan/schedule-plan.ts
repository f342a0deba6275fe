import { createHash } from 'node:crypto'
import { advise } from '../../lib/reasons/explanation.ts'
import { reasons } from '../../lib/reasons/reasons.ts'
import type { SnapshotScheduleDeclaration } from '../declare/declaration.ts'
import { explainFailed, explainLeap, explainRepeated, explainUnknown, working } from './explain-schedule.ts'
import type { Key } from './identity.ts'
import type { Now } from './now.ts'
import type { SnapshotRecord, SnapshotScheduleRecord } from './record.ts'
import { planRetention } from './retention.ts'
import { findLeap, scheduleDateMs } from './schedule-clock.ts'
import { planObjectives } from './schedule-objectives.ts'
import {
  hasCondition,
  isLive,
  type ScheduleChange,
  type ScheduleDecision,
  type ScheduledVolume,
  type ScheduleObservation,
  volumeOf,
} from './schedule-observation.ts'
import { latestTickMs, nextTickMs } from './schedule-times.ts'
import type { Verdict } from './status.ts'

/** How long to wait if no event reports the change. */
const waitPollMs = 15_000
/** A clock that is set right sends no event. */
const leapPollMs = 60_000

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
  const objectives = planObjectives(declaration.spec, record, observation, nowMs)
  const found = verdictOfRuns(waits, observation, nextRunMs, nowMs)
  const againAfterMs = Math.min(
    found.reason === 'RunWaits' && waits.length > 0 ? waitPollMs : common.againAfterMs,
    objectives.againAfterMs,
  )
  if (objectives.missed === undefined || found.state === 'stalled')
    return { ...common, againAfterMs, verdict: found }
  const remedy = advise(
    reasons.ObjectiveMissed.person.now({ target: `${spec.namespace}/${declaration.name}` }),
  )
  const message = `${objectives.missed}. ${upperFirst(found.message).replace(/\.$/, '')}. ${remedy}`
  return { ...common, againAfterMs, verdict: { state: 'waiting', reason: 'ObjectiveMissed', message } }
}

const upperFirst = (text: string) => text.charAt(0).toUpperCase() + text.slice(1)

/** How the latest runs went, and when the next one is. */
function verdictOfRuns(
  waits: readonly string[],
  observation: ScheduleObservation,
  nextRunMs: number | undefined,
  nowMs: number,
): Verdict {
  if (waits.length > 0) return { state: 'waiting', reason: 'RunWaits', message: waits.join('; ') }
  const next = nextRunMs === undefined ? 'never' : `at ${new Date(nextRunMs).toISOString()}`
  const failed = explainFailed(observation)
  if (failed !== undefined) return { ...failed, message: `${failed.message}. Next try: ${next}` }
  const repeated = explainRepeated(observation, nextRunMs, nowMs)
  if (repeated !== undefined) return { state: 'waiting', reason: 'RunWaits', message: repeated }
  return { state: 'ready', reason: 'Scheduled', message: `next run ${next}` }
}

const expire = (snapshot: Key, isTaken: boolean) => ({ type: 'expire', snapshot, isTaken }) as const

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
