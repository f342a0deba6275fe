/**
 * The times of a schedule by the clock of its zone. Where that clock goes forward, the times that it skips run once, at
 * the moment after the gap. Where it goes back, a schedule of one fixed time a day runs at the first of the two; any other
 * runs at both.
 */
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
  const cron = createCron(times.schedule, times.timeZone)
  // croner only returns times strictly before the given one.
  const latestMs = cron.previousRuns(1, new Date(nowMs + 1))[0]?.getTime()
  const nextMs = cron.nextRun(new Date(nowMs))?.getTime()
  // croner runs right after a gap only where the schedule has one fixed time a day.
  const gaps = skippedBetween(times, latestMs ?? nowMs, nextMs ?? nowMs)
  const span = {
    latestMs: gaps.findLast((gapMs) => gapMs <= nowMs) ?? latestMs,
    nextMs: gaps.find((gapMs) => gapMs > nowMs) ?? nextMs,
  }
  if (lastSpans.size >= mostSpans) lastSpans.clear()
  lastSpans.set(key, span)
  return span
}

function createCron(schedule: string, timezone: string): Cron {
  return new Cron(schedule, { mode: '5-part', timezone, paused: true })
}

/** No zone sets its clock forward and back within so short a time. */
const strideMs = 5 * 86_400_000

/** The ends of the gaps after `fromMs` and before `toMs` that skip a time of the schedule. */
function skippedBetween({ schedule, timeZone }: Times, fromMs: number, toMs: number): number[] {
  const offsetAt = createOffset(timeZone)
  const found: number[] = []
  for (let startMs = fromMs; startMs < toMs; startMs += strideMs) {
    const endMs = Math.min(startMs + strideMs, toMs)
    const gapMs = offsetAt(endMs) - offsetAt(startMs)
    if (gapMs <= 0) continue
    const afterMs = findChange(offsetAt, startMs, endMs)
    // The clock of the zone, read as if it were UTC, has no gap.
    const wallMs = afterMs + offsetAt(startMs)
    const skipped = createCron(schedule, 'Etc/UTC')
      .nextRun(new Date(wallMs - 1))
      ?.getTime()
    if (skipped !== undefined && skipped < wallMs + gapMs && afterMs > fromMs && afterMs < toMs) {
      found.push(afterMs)
    }
  }
  return found
}

/** The first moment with the offset of `endMs`; there is one change between the two. */
function findChange(offsetAt: (ms: number) => number, startMs: number, endMs: number): number {
  let [low, high] = [startMs, endMs]
  const after = offsetAt(endMs)
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2)
    if (offsetAt(middle) === after) high = middle
    else low = middle
  }
  return high
}

/** How far the zone's clock is ahead of UTC, in milliseconds. */
function createOffset(timeZone: string): (ms: number) => number {
  const format = new Intl.DateTimeFormat('en-CA', {
    timeZone,
    hourCycle: 'h23',
    ...({ year: 'numeric', month: 'numeric', day: 'numeric' } as const),
    ...({ hour: 'numeric', minute: 'numeric', second: 'numeric' } as const),
  })
  return (ms) => {
    const part = Object.fromEntries(format.formatToParts(ms).map(({ type, value }) => [type, Number(value)]))
    const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = part
    return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(ms / 1000) * 1000
  }
}
