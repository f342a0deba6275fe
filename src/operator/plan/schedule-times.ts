import { Cron } from 'croner'
import type { SnapshotScheduleSpec } from '../declare/snapshot-schedule.ts'

type Times = Pick<SnapshotScheduleSpec, 'schedule' | 'timeZone'>

/** The last time of the schedule at or before `nowMs`, in milliseconds since the epoch. */
export function latestTickMs(times: Times, nowMs: number): number | undefined {
  return spanAt(times, nowMs).latestMs
}

/** The first time of the schedule after `nowMs`. */
export function nextTickMs(times: Times, nowMs: number): number | undefined {
  return spanAt(times, nowMs).nextMs
}

/** The times of a schedule around a moment: the same for every moment from one of them to the next. */
interface Span {
  readonly latestMs: number | undefined
  readonly nextMs: number | undefined
}

/** The span last asked for of each schedule: a pass asks several times, and the calendar is slow. */
const lastSpans = new Map<string, Span>()
const mostSpans = 1_000

function spanAt(times: Times, nowMs: number): Span {
  const key = JSON.stringify([times.schedule, times.timeZone])
  const last = lastSpans.get(key)
  const isWithin =
    last?.latestMs !== undefined && last.nextMs !== undefined && last.latestMs <= nowMs && nowMs < last.nextMs
  if (isWithin) return last
  const cron = new Cron(times.schedule, { mode: '5-part', timezone: times.timeZone, paused: true })
  const span = {
    // croner looks strictly before its reference.
    latestMs: cron.previousRuns(1, new Date(nowMs + 1))[0]?.getTime(),
    nextMs: cron.nextRun(new Date(nowMs))?.getTime(),
  }
  if (lastSpans.size >= mostSpans) lastSpans.clear()
  lastSpans.set(key, span)
  return span
}
