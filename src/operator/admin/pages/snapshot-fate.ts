import type { RetentionSpec } from '../../declare/snapshot-schedule.ts'
import { planRetention, type RetentionCandidate } from '../../plan/retention.ts'
import { nextTickMs } from '../../plan/schedule-times.ts'

/** How many future runs are looked at. */
const runsAhead = 60

/** Retention of one schedule, for the snapshots of one volume. */
export interface RetentionFacts {
  readonly schedule: string
  readonly timeZone: string
  readonly retention: RetentionSpec | undefined
  readonly isSuspended: boolean
}

/**
 * When retention ends each snapshot, if every run to come succeeds: the first run after which no rule keeps it. A snapshot
 * that outlasts the runs that are looked at is not in the map. Pure.
 */
export function planGoing(
  candidates: readonly RetentionCandidate[],
  { schedule, timeZone, retention, isSuspended }: RetentionFacts,
  nowMs: number,
): ReadonlyMap<string, number> {
  const going = new Map<string, number>()
  if (retention === undefined || isSuspended) return going
  let present = candidates.filter(({ isReady }) => isReady)
  let atMs = nowMs
  for (let run = 0; run < runsAhead && present.some(({ key }) => !isVirtual(key)); run += 1) {
    const tickMs = nextTickMs({ schedule, timeZone }, atMs)
    if (tickMs === undefined) break
    atMs = tickMs
    const virtual = {
      key: `${virtualPrefix}${run}`,
      tickMs,
      isReady: true,
      isKeptByHand: false,
      isInUse: false,
    }
    present = [virtual, ...present]
    const expired = new Set(planRetention(present, retention, timeZone, tickMs).expired)
    for (const key of expired) if (!isVirtual(key)) going.set(key, tickMs)
    present = present.filter(({ key }) => !expired.has(key))
  }
  return going
}

/** No key begins so. */
const virtualPrefix = 'run '
const isVirtual = (key: string) => key.startsWith(virtualPrefix)

const plural = (count: number, one: string) =>
  count === 1 ? `the newest ${one}` : `the newest of each of the last ${count} ${one}s`

const ruleTexts: Readonly<Record<string, (retention: RetentionSpec) => string>> = {
  keepLast: ({ keepLast = 0 }) =>
    keepLast === 1 ? 'it is the newest (keepLast)' : `it is one of the newest ${keepLast} (keepLast)`,
  keepHourly: ({ keepHourly = 0 }) => `${plural(keepHourly, 'hour')} stays (keepHourly)`,
  keepDaily: ({ keepDaily = 0 }) => `${plural(keepDaily, 'day')} stays (keepDaily)`,
  keepWeekly: ({ keepWeekly = 0 }) => `${plural(keepWeekly, 'week')} stays (keepWeekly)`,
  keepMonthly: ({ keepMonthly = 0 }) => `${plural(keepMonthly, 'month')} stays (keepMonthly)`,
  maxAge: ({ maxAge }) => `it is younger than ${maxAge} (maxAge)`,
  'no retention': () => 'the schedule has no retention, so all stay',
  'last ready': () => 'it is the last one that is ready, which always stays',
  'in the future': () => 'its time is in the future',
  'kept by hand': () => 'a person keeps it',
  'source in use': () => 'a volume has still to be made from it',
}

/** The rules that keep a snapshot, in words. */
export function explainRules(rules: readonly string[], retention: RetentionSpec | undefined): string {
  return rules.map((rule) => ruleTexts[rule]?.(retention ?? {}) ?? rule).join('; ')
}

const counted = [
  ['keepLast', 'newest'],
  ['keepHourly', 'hours'],
  ['keepDaily', 'days'],
  ['keepWeekly', 'weeks'],
  ['keepMonthly', 'months'],
] as const

/** What a retention keeps, in a sentence. */
export function describeRetention(retention: RetentionSpec | undefined): string {
  if (retention === undefined) return 'keeps all snapshots'
  const counts = counted.flatMap(([rule, what]) => {
    const count = retention[rule] ?? 0
    return count === 0
      ? []
      : [rule === 'keepLast' ? `the newest ${count}` : `one of each of the last ${count} ${what}`]
  })
  const { maxAge } = retention
  if (counts.length === 0)
    return maxAge === undefined ? 'keeps all snapshots' : `keeps those younger than ${maxAge}`
  return `keeps ${counts.join(', ')}${maxAge === undefined ? '' : `, none older than ${maxAge}`}`
}
