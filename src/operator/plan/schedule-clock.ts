import type { SnapshotScheduleSpec } from '../declare/snapshot-schedule.ts'
import type { ClockReading, Now } from './now.ts'
import type { SnapshotRecord, SnapshotScheduleRecord } from './record.ts'

/** How the date differs from what has passed. */
export interface Leap {
  /**
   * - `ahead`, `behind`: the date was set while this boot of the machine ran, or it is before a date that was right;
   * - `unseen`: the machine was off, or another one took over, for longer than anyone can tell from here.
   */
  readonly type: 'ahead' | 'behind' | 'unseen'
  /** What the date would be by the time that was seen to pass. */
  readonly expectedMs: number
}

/** Smaller steps are taken: a clock is corrected by seconds all the time. */
export const stepMs = 300_000

/** After another boot, this much is taken for the time that the machine was off. */
const longestOffMs = 86_400_000

/** A schedule stores a new reading at most so often. */
const readAgainMs = 3_600_000

/** Whether the date has leapt since the reading of the schedule's record. Pure. */
export function findLeap(
  { clock: reading, status }: Pick<SnapshotScheduleRecord, 'clock' | 'status'>,
  now: Now,
): Leap | undefined {
  if (reading === undefined) return undefined
  const isComparable = isOfBoot(reading, now)
  const passed = isComparable ? now.uptimeMs - reading.uptimeMs : now.monotonicMs - now.startedMs
  const expectedMs = reading.dateMs + passed
  const aheadMs = now.dateMs - expectedMs
  if (aheadMs < -stepMs) return { type: 'behind', expectedMs }
  if (isComparable && aheadMs > stepMs) return { type: 'ahead', expectedMs }
  if (!isComparable && hasLeaptHere(reading, now)) return { type: 'ahead', expectedMs: now.steadyDateMs }
  // What was in doubt before the machine was started again is so still.
  return aheadMs > (isInDoubt(status) ? stepMs : longestOffMs) ? { type: 'unseen', expectedMs } : undefined
}

/** Of the time that a process runs, so much may go to small steps that correct its clock. */
const smallStepsShare = 0.001

/**
 * Whether the date has leapt ahead since this process started, although another boot made the reading: a replica that
 * stood by takes over. A process whose date was wrong at its start proves nothing.
 */
function hasLeaptHere(reading: ClockReading, { dateMs, steadyDateMs, runsForMs }: Now): boolean {
  const wasRight = steadyDateMs >= reading.dateMs - stepMs
  return wasRight && dateMs - steadyDateMs > stepMs + runsForMs * smallStepsShare
}

/** Whether the last pass found that the date had leapt. */
export function isInDoubt({ conditions }: SnapshotScheduleRecord['status']): boolean {
  return conditions.some(
    ({ type, status, reason }) => type === 'Stalled' && status === 'True' && reason === 'ClockLeapt',
  )
}

/** The date that a schedule runs by: not the one that a leap made. */
export function scheduleDateMs(leap: Leap | undefined, now: Now): number {
  return leap === undefined || leap.type === 'unseen' ? now.dateMs : leap.expectedMs
}

/**
 * What a schedule's record knows of the clock and of the declared times, before a pass. While the date is in doubt it
 * stays as it is.
 * - Changed times begin now: nothing from before the change is made up.
 * - A handled time in the future was handled by a clock that was wrong. Of its volume, the latest snapshot counts.
 * @param trusted the reading that a person confirmed last
 * @param snapshots all that the schedule made
 */
export function trackClock(
  before: SnapshotScheduleRecord,
  { schedule, timeZone }: Pick<SnapshotScheduleSpec, 'schedule' | 'timeZone'>,
  now: Now,
  trusted: ClockReading | undefined,
  snapshots: readonly SnapshotRecord[],
): SnapshotScheduleRecord {
  const isNewlyTrusted = trusted !== undefined && before.trustedMs !== trusted.dateMs
  const record = isNewlyTrusted ? { ...before, clock: trusted, trustedMs: trusted.dateMs } : before
  const leap = findLeap(record, now)
  const times = `${timeZone} ${schedule}`
  const isEdited = record.times !== undefined && record.times !== times
  const sinceMs = isEdited ? scheduleDateMs(leap, now) : record.sinceMs
  if (leap !== undefined) return isEdited ? { ...record, times, sinceMs } : { ...record, times }
  const isRecent =
    record.clock !== undefined &&
    isOfBoot(record.clock, now) &&
    now.uptimeMs - record.clock.uptimeMs < readAgainMs
  const { dateMs, boot, uptimeMs } = now
  return {
    ...record,
    times,
    sinceMs: Math.min(sinceMs, dateMs),
    ticks: withoutFuture(record, dateMs, snapshots),
    clock: isRecent && record.clock !== undefined ? record.clock : { dateMs, boot, uptimeMs },
  }
}

function isOfBoot(reading: ClockReading, { boot, uptimeMs }: Now): boolean {
  return reading.boot === boot && reading.uptimeMs <= uptimeMs
}

function withoutFuture(
  { ticks, sinceMs }: SnapshotScheduleRecord,
  dateMs: number,
  snapshots: readonly SnapshotRecord[],
): SnapshotScheduleRecord['ticks'] {
  const latestMs = dateMs + stepMs
  if (Object.values(ticks).every((tickMs) => tickMs <= latestMs)) return ticks
  return Object.fromEntries(
    Object.entries(ticks).map(([volume, tickMs]) => {
      if (tickMs <= latestMs) return [volume, tickMs]
      const taken = snapshots.flatMap(({ schedule }) =>
        schedule?.volume === volume && schedule.tickMs <= latestMs ? [schedule.tickMs] : [],
      )
      return [volume, Math.max(Math.min(sinceMs, dateMs), ...taken)]
    }),
  )
}
