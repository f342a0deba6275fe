import { createFieldIndex } from './field-index.ts'
import { type ListWatchOptions, startListWatch } from './list-watch.ts'
import { createVersionedCache, type VersionedCache } from './versioned-cache.ts'

export interface WatchedCollectionOptions<Stub, Full, Field extends string>
  extends Omit<ListWatchOptions<Stub>, 'onPage' | 'onList'> {
  readonly keyOf: (stub: Stub) => string
  /** The fields by which `find` finds. */
  readonly fields: readonly Field[]
  /** undefined: Nomad has no such element. */
  readonly read: (key: string) => Promise<Full | undefined>
  /** Whether the list, or another read, shows the version that was read. */
  readonly agrees: (full: Full, other: Stub | Full) => boolean
  /** Whether an element is the same in two lists. A difference is a change. */
  readonly isSame: (before: Stub, after: Stub) => boolean
  /** An element came, went or changed. The first list is no change. */
  readonly onChange: (key: string, stub: Stub | undefined) => void
}

/** Hints are gathered for so long. Whoever caused a change itself has read it by then. */
const gatherMs = 100
/** Of more hints at once, the list tells what changed at less cost. */
const mostLooks = 64

/** A watched list of stubs, and its elements in full, which are read when somebody asks for them. */
export interface WatchedCollection<Stub, Full, Field extends string> extends VersionedCache<Stub, Full> {
  /** The list as it is now. */
  list(): Promise<readonly Stub[]>
  /** The elements of the list as it is now whose field has this value. */
  find(field: Field, value: string): Promise<readonly Stub[]>
  /** The latest list; empty before the first. */
  stubs(): Iterable<Stub>
  /** Reads the list anew; the next `get` waits for it. */
  refresh(): void
  /** Something may have changed: reads the list anew, unless a new one arrives within a moment. */
  hint(): void
  /**
   * This element may have changed: reads it alone soon, and tells of it if it has. The list is read anew where its version
   * is the same, because more may have changed than versions show, and where very many may have changed.
   * @param isKnown whether what was read last, or the list, shows the change already
   */
  hintAt(key: string, isKnown: (seen: Full | Stub) => boolean): void
  close(): Promise<void>
}

export function watchCollection<Stub, Full, Field extends keyof Stub & string>(
  options: WatchedCollectionOptions<Stub, Full, Field>,
): WatchedCollection<Stub, Full, Field> {
  const { keyOf, fields, read, agrees, isSame, onChange, sequence } = options
  /** The pages of a list that has not ended yet are in it, too. */
  const stubs = new Map<string, Stub>()
  const indexes = new Map(fields.map((field) => [field, createFieldIndex()]))
  let listed = new Set<string>()
  let changes = 0
  let news = new Set<string>()
  let isFirstList = true

  function put(key: string, before: Stub | undefined, after: Stub | undefined): void {
    for (const [field, index] of indexes) {
      const [old, now] = [before?.[field], after?.[field]]
      if (old === now) continue
      if (before !== undefined) index.remove(String(old), key)
      if (after !== undefined) index.add(String(now), key)
    }
    if (after === undefined) stubs.delete(key)
    else stubs.set(key, after)
  }

  function onPage(items: readonly Stub[], isFirst: boolean): void {
    if (isFirst) listed = new Set()
    for (const stub of items) {
      const key = keyOf(stub)
      listed.add(key)
      const before = stubs.get(key)
      if (before === stub) continue
      put(key, before, stub)
      if (before !== undefined && isSame(before, stub)) continue
      changes += 1
      // Whoever has read a new element already was its maker, and needs no news of it.
      if (!isFirstList && (before !== undefined || !cache.has(key, stub))) news.add(key)
    }
  }

  function onList(arrivedAt: number): number {
    const gone = stubs.size === listed.size ? [] : [...stubs.keys()].filter((key) => !listed.has(key))
    for (const key of gone) put(key, stubs.get(key), undefined)
    // An element may come and go between two lists, and yet be read in between.
    const told = new Set([...news, ...gone, ...cache.outdatedBy(arrivedAt)])
    const changed = isFirstList ? 0 : changes + gone.length
    isFirstList = false
    changes = 0
    news = new Set()
    listed = new Set()
    for (const key of told) tell(key)
    return changed
  }

  const hinted = new Map<string, (seen: Full | Stub) => boolean>()
  let cancelLook: (() => void) | undefined

  async function lookAt(key: string, isKnown: (seen: Full | Stub) => boolean): Promise<void> {
    const seen = [cache.peek(key), stubs.get(key)]
    if (seen.some((each) => each !== undefined && isKnown(each))) return
    // Hints only save time: the list shows what this read did not.
    const found = await cache.look(key).catch(() => 'known' as const)
    if (found === 'news') tell(key)
    // What is not there and not listed has no more to show.
    if (found === 'same' && stubs.has(key)) watch.hint()
  }

  function lookAtHinted(): void {
    cancelLook = undefined
    const all = [...hinted]
    hinted.clear()
    if (all.length > mostLooks) watch.hint()
    else for (const [key, isKnown] of all) void lookAt(key, isKnown)
  }

  const tell = (key: string) => onChange(key, stubs.get(key))

  const watch = startListWatch({ ...options, onPage, onList })
  const cache = createVersionedCache<Stub, Full>({
    watch,
    stubOf: (key) => stubs.get(key),
    read,
    agrees,
    onOutdated: tell,
    sequence,
  })
  return {
    ...cache,
    async list() {
      await watch.current()
      return [...stubs.values()]
    },
    async find(field, value) {
      await watch.current()
      return (indexes.get(field)?.find(value) ?? []).flatMap((key) => stubs.get(key) ?? [])
    },
    stubs: () => stubs.values(),
    refresh: watch.refresh,
    hint: watch.hint,
    hintAt(key, isKnown) {
      hinted.set(key, isKnown)
      cancelLook ??= options.clock.after(gatherMs, lookAtHinted)
    },
    close() {
      cancelLook?.()
      return watch.close()
    },
  }
}
