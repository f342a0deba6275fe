import { parseDuration } from '../../lib/duration.ts'
import type { RetentionSpec } from '../declare/snapshot-schedule.ts'

/** One snapshot of one volume that its schedule made. */
export interface RetentionCandidate {
  readonly key: string
  /** The schedule's time it was taken for, in milliseconds since the epoch. */
  readonly tickMs: number
  readonly isReady: boolean
  /** A person asked to keep it. */
  readonly isKept: boolean
  /** A declared volume is still to be made from it. */
  readonly isInUse: boolean
}

export interface RetentionVerdict {
  /** Which rules keep a snapshot; one that none keeps may go. */
  readonly kept: ReadonlyMap<string, readonly string[]>
  readonly expired: readonly string[]
}

/**
 * Decides which of one volume's snapshots of one schedule stay. Only ready ones count and only ready ones
 * expire: what is not ready is not the last good one's rival. Whatever the rules say, the newest ready one
 * stays, and so does one that is kept or in use.
 */
export function planRetention(
  candidates: readonly RetentionCandidate[],
  retention: RetentionSpec | undefined,
  timeZone: string,
  nowMs: number,
): RetentionVerdict {
  const ready = candidates.filter(({ isReady }) => isReady).sort((one, other) => other.tickMs - one.tickMs)
  const kept = new Map<string, string[]>()
  const keep = (candidate: RetentionCandidate | undefined, rule: string) => {
    if (candidate === undefined) return
    kept.set(candidate.key, [...(kept.get(candidate.key) ?? []), rule])
  }

  const oldestMs =
    retention?.maxAge === undefined
      ? Number.NEGATIVE_INFINITY
      : nowMs - (parseDuration(retention.maxAge) ?? 0)
  const young = ready.filter(({ tickMs }) => tickMs >= oldestMs)
  const counts = retention === undefined ? 0 : countsOf(retention)
  if (counts === 0)
    for (const candidate of young)
      keep(candidate, retention?.maxAge === undefined ? 'no retention' : 'maxAge')
  for (const candidate of young.slice(0, retention?.keepLast ?? 0)) keep(candidate, 'keepLast')
  let bucketOf: ReturnType<typeof createBuckets> | undefined
  for (const [rule, bucket] of [
    ['keepHourly', 'hour'],
    ['keepDaily', 'day'],
    ['keepWeekly', 'week'],
    ['keepMonthly', 'month'],
  ] as const) {
    const limit = retention?.[rule] ?? 0
    if (limit === 0) continue
    // A calendar takes longer to make than all the rest, and most schedules need none.
    bucketOf ??= createBuckets(timeZone)
    const nameOf = bucketOf[bucket]
    const newest = Map.groupBy(young, ({ tickMs }) => nameOf(tickMs))
    for (const [first] of [...newest.values()].slice(0, limit)) keep(first, rule)
  }

  keep(ready[0], 'last ready')
  for (const candidate of ready) {
    if (candidate.isKept) keep(candidate, 'kept by hand')
    if (candidate.isInUse) keep(candidate, 'source in use')
  }
  return { kept, expired: ready.filter(({ key }) => !kept.has(key)).map(({ key }) => key) }
}

function countsOf({ keepLast, keepHourly, keepDaily, keepWeekly, keepMonthly }: RetentionSpec): number {
  return [keepLast, keepHourly, keepDaily, keepWeekly, keepMonthly].reduce<number>(
    (sum, each) => sum + (each ?? 0),
    0,
  )
}

const dayMs = 86_400_000

/** Names of the hour, day, week and month that a time falls in, as the clock on the wall shows it. */
function createBuckets(timeZone: string) {
  const format = new Intl.DateTimeFormat('en-CA', {
    timeZone,
    hourCycle: 'h23',
    ...({ year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit' } as const),
  })
  const wall = (ms: number) => {
    const parts = Object.fromEntries(format.formatToParts(ms).map(({ type, value }) => [type, value]))
    return {
      month: `${parts.year}-${parts.month}`,
      day: `${parts.year}-${parts.month}-${parts.day}`,
      hour: parts.hour,
    }
  }
  return {
    // With the hour in universal time: one that comes twice when clocks go back is two.
    hour: (ms: number) => `${wall(ms).day} ${wall(ms).hour} ${Math.floor(ms / 3_600_000)}`,
    day: (ms: number) => wall(ms).day,
    // The epoch was a Thursday; weeks begin on Monday.
    week: (ms: number) => String(Math.floor((Date.parse(wall(ms).day) / dayMs + 3) / 7)),
    month: (ms: number) => wall(ms).month,
  }
}
