import { Cron } from 'croner'
import type { SnapshotScheduleSpec } from '../declare/snapshot-schedule.ts'

type Times = Pick<SnapshotScheduleSpec, 'schedule' | 'timeZone'>

/** The last time of the schedule at or before `nowMs`, in milliseconds since the epoch. */
export function latestTickMs(times: Times, nowMs: number): number | undefined {
  // croner looks strictly before its reference.
  return cron(times)
    .previousRuns(1, new Date(nowMs + 1))[0]
    ?.getTime()
}

/** The first time of the schedule after `nowMs`. */
export function nextTickMs(times: Times, nowMs: number): number | undefined {
  return cron(times).nextRun(new Date(nowMs))?.getTime()
}

function cron({ schedule, timeZone }: Times): Cron {
  return new Cron(schedule, { mode: '5-part', timezone: timeZone, paused: true })
}
