import { parseDuration } from '../../lib/duration.ts'
import type { RetentionSpec } from '../declare/snapshot-schedule.ts'
import { stepMs } from './schedule-clock.ts'

/** A schedule's snapshot of one volume. */
export interface RetentionCandidate {
  readonly key: string
  /** Its scheduled time, in milliseconds since the epoch. */
  readonly tickMs: number
  /** When it was taken, by its plugin's clock, as far as that is known. */
  readonly takenAtMs?: number
  readonly isReady: boolean
  /** A person ordered to keep it. */
  readonly isKeptByHand: boolean
  /** A volume has still to be created or restored from it. */
  readonly isInUse: boolean
}

export interface RetentionVerdict {
  /** For each snapshot that stays, the rules that keep it. */
  readonly kept: ReadonlyMap<string, readonly string[]>
  readonly expired: readonly string[]
}

/**
 * Decides which of a schedule's snapshots of one volume stay. Only ready snapshots count and only they expire. The newest
 * ready one always stays, as do those that a person keeps or that are in use. One from the future was taken while the clock
 * was wrong: it stays, and counts for nothing.
 */
export function planRetention(
  candidates: readonly RetentionCandidate[],
  retention: RetentionSpec | undefined,
  timeZone: string,
  nowMs: number,
): RetentionVerdict {
  const all = candidates.filter(({ isReady }) => isReady).sort((one, other) => other.tickMs - one.tickMs)
  const isFuture = ({ tickMs }: RetentionCandidate) => tickMs > nowMs + stepMs
  const ready = all.filter((candidate) => !isFuture(candidate))
  const kept = new Map<string, string[]>()
  const keep = (candidate: RetentionCandidate | undefined, rule: string) => {
    if (candidate === undefined) return
    kept.set(candidate.key, [...(kept.get(candidate.key) ?? []), rule])
  }

  const oldestMs =
    retention?.maxAge === undefined
      ? Number.NEGATIVE_INFINITY
      : nowMs - (parseDuration(retention.maxAge) ?? 0)
  // Both clocks must call it old: either may have been wrong.
  const young = ready.filter(({ tickMs, takenAtMs = tickMs }) => Math.max(tickMs, takenAtMs) >= oldestMs)
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
    // Made only if needed: it is slow.
    bucketOf ??= createBuckets(timeZone)
    const nameOf = bucketOf[bucket]
    const newest = Map.groupBy(young, ({ tickMs }) => nameOf(tickMs))
    for (const [first] of [...newest.values()].slice(0, limit)) keep(first, rule)
  }

  keep(ready[0], 'last ready')
  for (const candidate of all) {
    if (isFuture(candidate)) keep(candidate, 'in the future')
    if (candidate.isKeptByHand) keep(candidate, 'kept by hand')
    if (candidate.isInUse) keep(candidate, 'source in use')
  }
  return { kept, expired: all.filter(({ key }) => !kept.has(key)).map(({ key }) => key) }
}

function countsOf({ keepLast, keepHourly, keepDaily, keepWeekly, keepMonthly }: RetentionSpec): number {
  return [keepLast, keepHourly, keepDaily, keepWeekly, keepMonthly].reduce<number>(
    (sum, each) => sum + (each ?? 0),
    0,
  )
}

const dayMs = 86_400_000

/** Functions that name the hour, day, week and month of a time in the time zone. */
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
    // Includes the UTC hour, so that the repeated hour when clocks go back counts as two.
    hour: (ms: number) => `${wall(ms).day} ${wall(ms).hour} ${Math.floor(ms / 3_600_000)}`,
    day: (ms: number) => wall(ms).day,
    // The epoch was a Thursday. Weeks begin on Monday.
    week: (ms: number) => String(Math.floor((Date.parse(wall(ms).day) / dayMs + 3) / 7)),
    month: (ms: number) => wall(ms).month,
  }
}
