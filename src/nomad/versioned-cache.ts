/**
 * A cache of the elements of a watched list. `get` sends no request while the list shows the version that was read. After
 * `invalidate` it returns what Nomad answered to a later request.
 */
import type { ListWatch } from './list-watch.ts'

export interface VersionedCacheOptions<Stub, Full> {
  readonly watch: Pick<ListWatch, 'current'>
  /** The element in the latest list. */
  readonly stubOf: (key: string) => Stub | undefined
  /** undefined: Nomad has no such element. */
  readonly read: (key: string) => Promise<Full | undefined>
  /** Whether the list, or another read, shows the version that was read. */
  readonly agrees: (full: Full, other: Stub | Full) => boolean
  /** A list that arrived during a read shows another version: whoever got the result should look again. */
  readonly onOutdated: (key: string) => void
  readonly sequence: () => number
}

export interface VersionedCache<Stub, Full> {
  /** `stub` is set where the list is newer than `full`: it is right about fields that change without a new version. */
  get(key: string): Promise<{ readonly full: Full; readonly stub: Stub | undefined } | undefined>
  invalidate(key: string): void
  /**
   * Reads an element that may have changed.
   * @returns `news`: neither the list nor an earlier read has shown this version. `known`: an earlier read has, and the list
   *   will. `same`: both have
   */
  look(key: string): Promise<'news' | 'known' | 'same'>
  /** What the last read has seen; undefined where nothing was read, or there was nothing. */
  peek(key: string): Full | undefined
  /** Whether the last read has seen the version that this element of a list shows. */
  has(key: string, stub: Stub): boolean
  /**
   * The keys that were read since the list before, and whose copies differ from the list that arrived at this place in the
   * sequence. Older copies were compared with the list before.
   */
  outdatedBy(listedAt: number): string[]
  /** The number of keys that it remembers. */
  size(): number
}

interface Copy<Full> {
  readonly full: Full | undefined
  /** The place in the sequence where its request began. */
  readonly beganAt: number
}

export function createVersionedCache<Stub, Full>(
  options: VersionedCacheOptions<Stub, Full>,
): VersionedCache<Stub, Full> {
  const { watch, stubOf, read, agrees, onOutdated, sequence } = options
  const copies = new Map<string, Copy<Full>>()
  const reading = new Map<string, { beganAt: number; promise: Promise<Copy<Full>> }>()
  const invalidatedAt = new Map<string, number>()
  let comparedAt = 0
  /** Remembered keys that the latest list does not show. */
  let missing: ReadonlySet<string> = new Set()

  function isOutdated(key: string, { full, beganAt }: Copy<Full>): boolean {
    if (beganAt > comparedAt) return false
    const stub = stubOf(key)
    if (full === undefined || stub === undefined) return (full === undefined) !== (stub === undefined)
    return !agrees(full, stub)
  }

  /** A copy whose request began after `since`. Callers share such a request. */
  function readSince(key: string, since: number): Promise<Copy<Full>> {
    const open = reading.get(key)
    if (open && open.beganAt > since) return open.promise
    const beganAt = sequence()
    const promise = read(key)
      .then((full) => {
        const copy = { full, beganAt }
        if ((copies.get(key)?.beganAt ?? 0) < beganAt) copies.set(key, copy)
        if ((invalidatedAt.get(key) ?? 0) < beganAt) invalidatedAt.delete(key)
        if (isOutdated(key, copy)) onOutdated(key)
        return copy
      })
      .finally(() => {
        if (reading.get(key)?.beganAt === beganAt) reading.delete(key)
      })
    reading.set(key, { beganAt, promise })
    return promise
  }

  /**
   * 1. Invalidated after it was read: read again.
   * 2. Read after the list arrived: newer than the list.
   * 3. Older than the list: good if the list shows the same version. Otherwise only a read shows which is right.
   */
  async function copyOf(key: string, listedAt: number): Promise<Copy<Full> | undefined> {
    const invalidated = invalidatedAt.get(key) ?? 0
    const copy = copies.get(key)
    if (copy === undefined) {
      if (invalidated === 0 && stubOf(key) === undefined) return undefined
      return readSince(key, invalidated)
    }
    if (copy.beganAt < invalidated) return readSince(key, invalidated)
    if (copy.beganAt > listedAt) return copy
    const stub = stubOf(key)
    if (copy.full === undefined && stub === undefined) {
      copies.delete(key)
      return undefined
    }
    if (copy.full !== undefined && stub !== undefined && agrees(copy.full, stub)) return copy
    return readSince(key, listedAt)
  }

  /**
   * Forgets the keys that two lists in a row do not show, if the request for the second one began after the key was last read
   * or invalidated. No request is needed any more to know that they are gone.
   * @param listedBefore the place of the list before the latest one
   */
  function forgetGone(listedBefore: number): void {
    const stillMissing = new Set<string>()
    for (const key of new Set([...copies.keys(), ...invalidatedAt.keys()])) {
      if (stubOf(key) !== undefined) continue
      const usedAt = Math.max(copies.get(key)?.beganAt ?? 0, invalidatedAt.get(key) ?? 0)
      if (missing.has(key) && usedAt <= listedBefore) {
        copies.delete(key)
        invalidatedAt.delete(key)
      } else stillMissing.add(key)
    }
    missing = stillMissing
  }

  return {
    async get(key) {
      const listedAt = await watch.current()
      const copy = await copyOf(key, listedAt)
      if (copy?.full === undefined) return undefined
      return { full: copy.full, stub: copy.beganAt < listedAt ? stubOf(key) : undefined }
    },
    invalidate(key) {
      invalidatedAt.set(key, sequence())
    },
    async look(key) {
      const before = copies.get(key)
      const { full } = await readSince(key, sequence())
      const isThis = (other: Stub | Full | undefined) =>
        full === undefined || other === undefined ? full === other : agrees(full, other)
      const isListed = isThis(stubOf(key))
      const isRead = before !== undefined && isThis(before.full)
      if (isListed) return isRead || before === undefined ? 'same' : 'known'
      return isRead ? 'known' : 'news'
    },
    peek: (key) => copies.get(key)?.full,
    has(key, stub) {
      const copy = copies.get(key)
      return copy?.full !== undefined && agrees(copy.full, stub)
    },
    outdatedBy(listedAt) {
      const before = comparedAt
      comparedAt = listedAt
      const outdated = [...copies].filter(([key, copy]) => copy.beganAt > before && isOutdated(key, copy))
      forgetGone(before)
      return outdated.map(([key]) => key)
    },
    size: () => new Set([...copies.keys(), ...invalidatedAt.keys()]).size,
  }
}
