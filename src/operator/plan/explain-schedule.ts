import { advise } from '../../lib/reasons/explanation.ts'
import { reasons, stallReasonOf, waitReasonOf } from '../../lib/reasons/reasons.ts'
import type { Key } from './identity.ts'
import type { ClockReading, Now } from './now.ts'
import type { SnapshotRecord } from './record.ts'
import { type Leap, stepMs } from './schedule-clock.ts'
import { isLive, type ScheduleChange, type ScheduleObservation, volumeOf } from './schedule-observation.ts'
import type { Obstacle, Verdict } from './status.ts'

/** More names make a message unreadable. */
export const mostNames = 5

/**
 * Why the next run takes nothing: the date went back, and its time has a snapshot already. A process that took over on
 * another machine cannot see that by its own clock.
 */
export function explainRepeated(
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

/** Why the last run of a volume took no snapshot, so far or for good. People who rely on the schedule must hear of it. */
export function explainFailed({ volumes, snapshots }: ScheduleObservation): Obstacle | undefined {
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

/** Says what the clock did, what that means and what to do. The text stays the same while the clock does. */
export function explainLeap(
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

export function explainUnknown(unknown: ReadonlyMap<Key, string>): string {
  const names = [...unknown.keys()].map((key) => key.split('/').slice(1).join('/'))
  const { keep, removeRetention } = reasons.RetentionUnsupported.person
  const [namespace = ''] = names[0]?.split('/') ?? []
  const plugins = [...new Set(unknown.values())].map((id) => `"${id}"`).join(', ')
  const listed = names.slice(0, mostNames).join(', ')
  const more = names.length > mostNames ? ` and ${names.length - mostNames} more` : ''
  return `plugin ${plugins} cannot list snapshots, and it is not known whether these are ready to use: ${listed}${more}. None of them expires or counts. ${advise(keep({ namespace }), removeRetention())}`
}

export function working(change: ScheduleChange): Verdict {
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
