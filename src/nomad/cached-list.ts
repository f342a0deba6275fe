/**
 * A list that is read at most once in a while. Callers share one request. Nobody gets a list whose request began
 * before the last `invalidate`, or too long ago. A failure rejects those who wait for it; the next caller asks again.
 */
import type { SteadyClock } from '../lib/clock.ts'

export interface CachedListOptions<List> {
  readonly read: () => Promise<List>
  /** For how many milliseconds after its request a list is used. */
  readonly maxAgeMs: (list: List) => number
  readonly clock: SteadyClock
}

export interface CachedList<List> {
  get(): Promise<List>
  /** The latest list that is not too old, from before an `invalidate` too; else as `get`. */
  recent(): Promise<List>
  invalidate(): void
}

export function createCachedList<List>({ read, maxAgeMs, clock }: CachedListOptions<List>): CachedList<List> {
  interface Dated {
    readonly list: List
    readonly beganMs: number
  }
  let cached: Dated | undefined
  let latest: Dated | undefined
  let open: { readonly promise: Promise<List>; isStale: boolean } | undefined
  let following: Promise<List> | undefined

  function begin(): Promise<List> {
    const beganMs = clock.monotonicMs()
    const promise = read()
      .then((list) => {
        latest = { list, beganMs }
        if (!request.isStale) cached = latest
        return list
      })
      .finally(() => {
        open = undefined
      })
    const request = { promise, isStale: false }
    open = request
    return promise
  }

  const isRecent = ({ list, beganMs }: Dated) => clock.monotonicMs() - beganMs < maxAgeMs(list)

  async function get(): Promise<List> {
    if (cached && isRecent(cached)) return cached.list
    if (open === undefined) return begin()
    if (!open.isStale) return open.promise
    // Its answer may be older than the invalidation. One more request follows, for all who wait.
    following ??= open.promise
      .catch(() => undefined) // Its own callers get the error.
      .then(() => {
        following = undefined
        return get()
      })
    return following
  }

  return {
    get,
    recent: async () => (latest && isRecent(latest) ? latest.list : get()),
    invalidate() {
      cached = undefined
      if (open) open.isStale = true
    },
  }
}
