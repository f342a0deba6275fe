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

/** The scheduled times before and after a moment. */
interface Span {
  readonly latestMs: number | undefined
  readonly nextMs: number | undefined
}

/** The last span of each schedule: a pass needs it several times, and computing it is slow. */
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
    // croner only returns times strictly before the given one.
    latestMs: cron.previousRuns(1, new Date(nowMs + 1))[0]?.getTime(),
    nextMs: cron.nextRun(new Date(nowMs))?.getTime(),
  }
  if (lastSpans.size >= mostSpans) lastSpans.clear()
  lastSpans.set(key, span)
  return span
}
