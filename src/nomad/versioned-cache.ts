/**
 * The versioned cache's one promise: `get` costs no request while the watched list shows the version that was
 * read, and after `invalidate` it is what Nomad answered to a request that began later.
 */
import type { ListWatch } from './list-watch.ts'

export interface VersionedCacheOptions<Stub, Full> {
  readonly watch: Pick<ListWatch, 'current'>
  /** The element of the latest list. */
  readonly stubOf: (key: string) => Stub | undefined
  /** undefined: Nomad answered that it has no such thing. */
  readonly read: (key: string) => Promise<Full | undefined>
  /** Whether the list shows what was read. */
  readonly agrees: (full: Full, stub: Stub) => boolean
  /** What a read brought is not what a list shows that arrived meanwhile: whoever was given it should look again. */
  readonly onOutdated: (key: string) => void
  readonly sequence: () => number
}

export interface VersionedCache<Stub, Full> {
  /** `stub`: where the list is newer than `full`, and so knows better what a version does not cover. */
  get(key: string): Promise<{ readonly full: Full; readonly stub: Stub | undefined } | undefined>
  invalidate(key: string): void
  /** Whether what was read last is what this element of a list shows: whoever asked for it has seen it. */
  has(key: string, stub: Stub): boolean
  /**
   * The keys whose copies are not what the list shows that arrived at this place in the sequence, of those read
   * since the list before it: the others were compared with that one.
   */
  outdatedBy(listedAt: number): string[]
  /** How many keys it remembers. */
  size(): number
}

interface Copy<Full> {
  readonly full: Full | undefined
  /** The place in the sequence at which its request began. */
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
  /** Keys that it remembers, and that the latest list does not show. */
  let missing: ReadonlySet<string> = new Set()

  function isOutdated(key: string, { full, beganAt }: Copy<Full>): boolean {
    if (beganAt > comparedAt) return false
    const stub = stubOf(key)
    if (full === undefined || stub === undefined) return (full === undefined) !== (stub === undefined)
    return !agrees(full, stub)
  }

  /** A copy whose request began after `since`; callers share a request that did. */
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
   * 2. Read after the list arrived: newer than the list, whatever that says.
   * 3. Older than the list: good if the list shows the same; where they differ, only a read tells which is right.
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
   * Forgets what two lists in a row do not show, the second of which was asked for after the key was last read or
   * invalidated: nobody needs a request any more to know that it is gone.
   * @param listedBefore where the list before the latest one arrived
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
