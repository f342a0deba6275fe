import { type ListWatchOptions, startListWatch } from './list-watch.ts'
import { createVersionedCache, type VersionedCache } from './versioned-cache.ts'

export interface WatchedCollectionOptions<Stub, Full> extends Omit<ListWatchOptions<Stub>, 'onList'> {
  readonly keyOf: (stub: Stub) => string
  /** undefined: Nomad answered that it has no such thing. */
  readonly read: (key: string) => Promise<Full | undefined>
  /** Whether the list shows the version that was read. */
  readonly agrees: (full: Full, stub: Stub) => boolean
  /** Whether two lists show the same; a difference is told. */
  readonly isSame: (before: Stub, after: Stub) => boolean
  /** Something came, went or changed. The first list is no change. */
  readonly onChange: (key: string, stub: Stub | undefined) => void
}

/** A list that Nomad gives in brief, watched, and its elements in full, read when they are asked for. */
export interface WatchedCollection<Stub, Full> extends VersionedCache<Stub, Full> {
  /** The list as Nomad has it. */
  list(): Promise<readonly Stub[]>
  /** The latest list; empty before the first. */
  stubs(): readonly Stub[]
  /** Reads the list afresh; the next `get` waits for it. */
  refresh(): void
  /** Something may have changed: reads the list afresh, unless one arrives by itself just now. */
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
    // Who read the new one just now has made it, and looks at it as it is.
    const news = changed.filter((key) => before?.has(key) || !after.has(key) || !isKnown(key))
    // A thing may come and go between two lists, unseen by both, yet read by somebody in between.
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
