/**
 * The cached list's one promise: callers share one request, and none gets a list that was asked for before
 * the latest `invalidate`, or longer ago than its beat. A failure is told to those who wait for it, and kept
 * from nobody after.
 */
import type { Clock } from '../lib/clock.ts'

export interface CachedListOptions<List> {
  readonly read: () => Promise<List>
  /** How long a list is good, counted from its request, in milliseconds. */
  readonly beatMs: (list: List) => number
  readonly clock: Clock
}

export interface CachedList<List> {
  get(): Promise<List>
  invalidate(): void
}

export function createCachedList<List>({ read, beatMs, clock }: CachedListOptions<List>): CachedList<List> {
  let cached: { readonly list: List; readonly beganMs: number } | undefined
  let open: { readonly promise: Promise<List>; isStale: boolean } | undefined
  let following: Promise<List> | undefined

  function begin(): Promise<List> {
    const beganMs = clock.now()
    const promise = read()
      .then((list) => {
        if (!request.isStale) cached = { list, beganMs }
        return list
      })
      .finally(() => {
        open = undefined
      })
    const request = { promise, isStale: false }
    open = request
    return promise
  }

  async function get(): Promise<List> {
    if (cached && clock.now() - cached.beganMs < beatMs(cached.list)) return cached.list
    if (open === undefined) return begin()
    if (!open.isStale) return open.promise
    // Its answer may be from before the invalidation. One more follows it, for all who wait.
    following ??= open.promise
      .catch(() => undefined) // told to those who asked for it
      .then(() => {
        following = undefined
        return get()
      })
    return following
  }

  return {
    get,
    invalidate() {
      cached = undefined
      if (open) open.isStale = true
    },
  }
}
