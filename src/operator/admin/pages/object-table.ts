import type { FilterValues, ObjectPage, ObjectQuery, sortFields } from '../../../wire/dashboard/objects.ts'
import type { Key } from '../../plan/identity.ts'
import type { ClusterView } from './cluster-view.ts'
import { entryOf, entryOfRefusal, type ObjectEntry, rowOf } from './object-entry.ts'
import { createSearch, pageOf } from './references.ts'

type SortField = (typeof sortFields)[number]

/**
 * The table of all objects of all clusters. It makes an entry anew only for an object that changed, and keeps each order
 * that was asked for, so that a page of 100,000 costs what it shows.
 */
export interface ObjectTable {
  /** Every entry, in no order. */
  entries(): readonly ObjectEntry[]
  query(query: ObjectQuery): ObjectPage
  close(): void
}

interface Shown {
  readonly entries: Map<Key, ObjectEntry>
  /** undefined: all. */
  changed: Set<Key> | undefined
  readonly stop: () => void
}

export function createObjectTable(views: () => readonly ClusterView[]): ObjectTable {
  const shown = new Map<ClusterView, Shown>()
  const orders = new Map<
    SortField,
    { readonly of: readonly ObjectEntry[]; readonly sorted: readonly ObjectEntry[] }
  >()
  let all: readonly ObjectEntry[] = []
  let filters: ObjectPage['filters'] | undefined
  let isStale = true

  function show(view: ClusterView): Shown {
    const each: Shown = {
      entries: new Map(),
      changed: undefined,
      stop: view.onChange(({ keys, topics }) => {
        if (!topics.includes('objects') && !topics.includes('sources')) return
        isStale = true
        if (keys === undefined) each.changed = undefined
        else for (const key of keys) each.changed?.add(key)
      }),
    }
    return each
  }

  /** Brings the entries up to date, for what changed. */
  function refresh(): void {
    const now = new Set(views())
    for (const [view, { stop }] of shown) {
      if (now.has(view)) continue
      stop()
      shown.delete(view)
      isStale = true
    }
    for (const view of now) {
      if (shown.has(view)) continue
      shown.set(view, show(view))
      isStale = true
    }
    if (!isStale) return
    for (const [view, each] of shown) {
      const keys =
        each.changed ??
        new Set([
          ...each.entries.keys(),
          ...view.declarations().keys(),
          ...view.records.list().map(({ key }) => key),
        ])
      for (const key of keys) {
        const entry = entryOf(view, key)
        if (entry === undefined) each.entries.delete(key)
        else each.entries.set(key, entry)
      }
      each.changed = new Set()
    }
    all = [...shown].flatMap(([view, { entries }]) => [
      ...entries.values(),
      ...view.refusals().map((refusal) => entryOfRefusal(view, refusal)),
    ])
    filters = undefined
    isStale = false
  }

  /** The order from before is nearly right, and sorting what is nearly sorted is quick. */
  function inOrder(field: SortField): readonly ObjectEntry[] {
    const before = orders.get(field)
    if (before?.of === all) return before.sorted
    const kept = (before?.sorted ?? []).flatMap(({ view, key, refusal }) =>
      refusal === undefined ? (shown.get(view)?.entries.get(key) ?? []) : [],
    )
    const known = new Set(kept)
    const sorted = [...kept, ...all.filter((entry) => !known.has(entry))].sort(comparers[field])
    orders.set(field, { of: all, sorted })
    return sorted
  }

  return {
    entries() {
      refresh()
      return all
    },
    query(query) {
      refresh()
      const sorted = inOrder(query.sort ?? 'name')
      const matching = filterEntries(sorted, query)
      const directed = query.descending === true ? matching.toReversed() : matching
      const { items, page, size } = pageOf(directed, query)
      filters ??= countFilters(all)
      return { rows: items.map(rowOf), total: matching.length, all: all.length, page, size, filters }
    },
    close() {
      for (const { stop } of shown.values()) stop()
      shown.clear()
    },
  }
}

const byKey = (one: ObjectEntry, other: ObjectEntry) =>
  one.key < other.key ? -1 : one.key > other.key ? 1 : 0
const byNumber = (field: 'sinceMs' | 'sizeBytes' | 'createdMs') => (one: ObjectEntry, other: ObjectEntry) =>
  one[field] - other[field] || byKey(one, other)
const byText = (read: (entry: ObjectEntry) => string) => (one: ObjectEntry, other: ObjectEntry) => {
  const [first, second] = [read(one), read(other)]
  return first < second ? -1 : first > second ? 1 : byKey(one, other)
}
/** What needs a person comes first. */
const stateOrder = ['Stalled', 'Refused', 'Held', 'Reconciling', 'Ready']

const comparers: Readonly<Record<SortField, (one: ObjectEntry, other: ObjectEntry) => number>> = {
  name: byText(({ key }) => key.slice(key.indexOf('/') + 1)),
  kind: byKey,
  state: (one, other) => stateOrder.indexOf(one.state) - stateOrder.indexOf(other.state) || byKey(one, other),
  plugin: byText(({ pluginID }) => pluginID),
  since: byNumber('sinceMs'),
  size: byNumber('sizeBytes'),
  created: byNumber('createdMs'),
}

/** The entries that a query is for. Pure. */
export function filterEntries(
  entries: readonly ObjectEntry[],
  { text, state, kind, plugin, namespace, cluster, source }: ObjectQuery,
): readonly ObjectEntry[] {
  const oneOf = (list: string | undefined, read: (entry: ObjectEntry) => string) => {
    if (list === undefined) return undefined
    const values = new Set(list.split(','))
    return (entry: ObjectEntry) => values.has(read(entry))
  }
  const search = text === undefined || text.trim() === '' ? undefined : createSearch(text)
  const tests = [
    oneOf(state, (entry) => entry.state),
    oneOf(kind, (entry) => entry.kind),
    oneOf(plugin, ({ pluginID }) => pluginID),
    oneOf(namespace, (entry) => entry.namespace),
    oneOf(cluster, ({ view }) => view.cluster ?? ''),
    oneOf(source, (entry) => entry.source),
    search && ((entry: ObjectEntry) => search(entry.text)),
  ].filter((test) => test !== undefined)
  return tests.length === 0 ? entries : entries.filter((entry) => tests.every((test) => test(entry)))
}

const mostFilterValues = 200

/** How many entries have each value of the fields that are filtered by. Pure. */
export function countFilters(entries: readonly ObjectEntry[]): ObjectPage['filters'] {
  const countBy = (read: (entry: ObjectEntry) => string): FilterValues => {
    const counts = new Map<string, number>()
    for (const entry of entries) {
      const value = read(entry)
      counts.set(value, (counts.get(value) ?? 0) + 1)
    }
    return [...counts]
      .map(([value, count]) => ({ value, count }))
      .sort((one, other) => other.count - one.count || (one.value < other.value ? -1 : 1))
      .slice(0, mostFilterValues)
  }
  return {
    state: countBy(({ state }) => state),
    kind: countBy(({ kind }) => kind),
    plugin: countBy(({ pluginID }) => pluginID),
    namespace: countBy(({ namespace }) => namespace),
    cluster: countBy(({ view }) => view.cluster ?? ''),
    source: countBy(({ source }) => source),
  }
}
