import { type ListWatchOptions, startListWatch } from './list-watch.ts'
import { createVersionedCache, type VersionedCache } from './versioned-cache.ts'

export interface WatchedCollectionOptions<Stub, Full> extends Omit<ListWatchOptions<Stub>, 'onList'> {
  readonly keyOf: (stub: Stub) => string
  /** undefined: Nomad has no such element. */
  readonly read: (key: string) => Promise<Full | undefined>
  /** Whether the list shows the version that was read. */
  readonly agrees: (full: Full, stub: Stub) => boolean
  /** Whether an element is the same in two lists. A difference is a change. */
  readonly isSame: (before: Stub, after: Stub) => boolean
  /** An element came, went or changed. The first list is no change. */
  readonly onChange: (key: string, stub: Stub | undefined) => void
}

/** A watched list of stubs, and its elements in full, which are read when somebody asks for them. */
export interface WatchedCollection<Stub, Full> extends VersionedCache<Stub, Full> {
  /** The list as it is now. */
  list(): Promise<readonly Stub[]>
  /** The latest list; empty before the first. */
  stubs(): readonly Stub[]
  /** Reads the list anew; the next `get` waits for it. */
  refresh(): void
  /** Something may have changed: reads the list anew, unless a new one arrives within a moment. */
  hint(): void
  close(): Promise<void>
}

export function watchCollection<Stub, Full>(
  options: WatchedCollectionOptions<Stub, Full>,
): WatchedCollection<Stub, Full> {
  const { keyOf, read, agrees, isSame, onChange, sequence } = options
  let stubs: ReadonlyMap<string, Stub> | undefined

  function onList(items: readonly Stub[], arrivedAt: number): number {
    const before = stubs
    const after = new Map(items.map((stub) => [keyOf(stub), stub]))
    stubs = after
    const changed = before === undefined ? [] : changesBetween(before, after)
    // Whoever has read a new element already was its maker, and needs no news of it.
    const news = changed.filter((key) => before?.has(key) || !after.has(key) || !isKnown(key))
    // An element may come and go between two lists, and yet be read in between.
    for (const key of new Set([...news, ...cache.outdatedBy(arrivedAt)])) tell(key)
    return changed.length
  }

  function changesBetween(before: ReadonlyMap<string, Stub>, after: ReadonlyMap<string, Stub>): string[] {
    const isOther = (key: string, stub: Stub) => {
      const known = before.get(key)
      return known === undefined || !isSame(known, stub)
    }
    return [
      ...[...after].flatMap(([key, stub]) => (isOther(key, stub) ? [key] : [])),
      ...[...before.keys()].filter((key) => !after.has(key)),
    ]
  }

  function isKnown(key: string): boolean {
    const stub = stubs?.get(key)
    return stub !== undefined && cache.has(key, stub)
  }

  const tell = (key: string) => onChange(key, stubs?.get(key))

  const watch = startListWatch({ ...options, onList })
  const cache = createVersionedCache<Stub, Full>({
    watch,
    stubOf: (key) => stubs?.get(key),
    read,
    agrees,
    onOutdated: tell,
    sequence,
  })
  return {
    ...cache,
    async list() {
      await watch.current()
      return [...(stubs?.values() ?? [])]
    },
    stubs: () => [...(stubs?.values() ?? [])],
    refresh: watch.refresh,
    hint: watch.hint,
    close: watch.close,
  }
}
