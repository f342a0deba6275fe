import type { ActivityPage, ActivityQuery } from '../../../wire/dashboard/activity.ts'
import type { ActivityEntry } from '../../../wire/dashboard/common.ts'
import type { Activity } from './activity-log.ts'
import { createSearch, given, giverOf, partsOf, referTo, timeOf } from './references.ts'

export function presentActivity({ id, atMs, cluster, key, by, ...rest }: Activity): ActivityEntry {
  const { type, what, outcome, why, error, durationMs, times } = rest
  return {
    id,
    time: timeOf(atMs),
    type,
    object: referTo(key, cluster),
    what,
    outcome,
    why,
    ...given('error', error),
    ...given('durationMs', durationMs),
    times,
    ...given('by', by && giverOf(by)),
  }
}

/** The entries that a query is for, newest first. Pure. */
export function queryActivity(newestFirst: Iterable<Activity>, query: ActivityQuery): ActivityPage {
  const { text, type, outcome, kind, cluster, key, before = Number.POSITIVE_INFINITY, size = 100 } = query
  const search = createSearch(text)
  const outcomes = outcome === undefined ? undefined : new Set(outcome.split(','))
  const matches = (each: Activity) =>
    each.id < before &&
    (type === undefined || each.type === type) &&
    (outcomes === undefined || outcomes.has(each.outcome)) &&
    (kind === undefined || partsOf(each.key).kind === kind) &&
    (cluster === undefined || (each.cluster ?? '') === cluster) &&
    (key === undefined || each.key === key) &&
    search(
      [each.key, each.what, each.outcome, each.why, each.error, each.by?.user, each.by?.via]
        .join('\n')
        .toLowerCase(),
    )
  const found: Activity[] = []
  for (const each of newestFirst) {
    if (!matches(each)) continue
    if (found.length === size)
      return { entries: found.map(presentActivity), ...given('next', found.at(-1)?.id) }
    found.push(each)
  }
  return { entries: found.map(presentActivity) }
}

/** The latest entries. */
export function latestActivity(newestFirst: Iterable<Activity>, most: number): ActivityEntry[] {
  return queryActivity(newestFirst, { size: most }).entries
}
