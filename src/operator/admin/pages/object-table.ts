import { createBreather } from '../../../lib/breather.ts'
import { createInTurn } from '../../../lib/in-turn.ts'
import type { FilterValues, ObjectPage, ObjectQuery } from '../../../wire/dashboard/objects.ts'
import type { StateCounts } from '../../../wire/dashboard/overview.ts'
import type { Key } from '../../plan/identity.ts'
import type { ClusterView } from './cluster-view.ts'
import { entryOf, entryOfRefusal, type ObjectEntry, rowOf } from './object-entry.ts'
import { createOrders } from './object-orders.ts'
import { createSearch } from './references.ts'

/**
 * The table of all objects of all clusters. It makes an entry anew only for an object that changed, and keeps counts and
 * the orders that were asked for, so that a page of 100,000 costs what it shows. Long work lets other work run.
 */
export interface ObjectTable {
  query(query: ObjectQuery): Promise<ObjectPage>
  /** By state; and what needs a person or is under way, in no order. */
  summary(): Promise<ObjectSummary>
  close(): void
}

export interface ObjectSummary {
  readonly counts: StateCounts
  readonly serious: ReadonlySet<ObjectEntry>
  readonly working: ReadonlySet<ObjectEntry>
}

interface Shown {
  readonly entries: Map<Key, ObjectEntry>
  /** undefined: all. */
  changed: Set<Key> | undefined
  /** As the entries have them. */
  refusals: ReturnType<ClusterView['refusals']>
  refused: readonly ObjectEntry[]
  readonly stop: () => void
}

const filterFields = {
  state: ({ state }: ObjectEntry) => state as string,
  kind: ({ kind }: ObjectEntry) => kind,
  plugin: ({ pluginID }: ObjectEntry) => pluginID,
  namespace: ({ namespace }: ObjectEntry) => namespace,
  cluster: ({ view }: ObjectEntry) => view.cluster ?? '',
  source: ({ source }: ObjectEntry) => source,
} as const
type FilterField = keyof typeof filterFields
const filterNames = Object.keys(filterFields) as FilterField[] // The names of an object of our own.

export function createObjectTable(views: () => readonly ClusterView[]): ObjectTable {
  const shown = new Map<ClusterView, Shown>()
  const orders = createOrders()
  const serious = new Set<ObjectEntry>()
  const working = new Set<ObjectEntry>()
  const counts = new Map(filterNames.map((field) => [field, new Map<string, number>()]))
  const inTurn = createInTurn()

  function show(view: ClusterView): Shown {
    const each: Shown = {
      entries: new Map(),
      changed: undefined,
      refusals: [],
      refused: [],
      stop: view.onChange(({ keys, topics }) => {
        if (!topics.includes('objects')) return
        if (keys === undefined) each.changed = undefined
        else for (const key of keys) each.changed?.add(key)
      }),
    }
    return each
  }

  function replace(before: ObjectEntry | undefined, after: ObjectEntry | undefined) {
    for (const [entry, by] of [[before, -1] as const, [after, 1] as const]) {
      if (entry === undefined) continue
      for (const field of filterNames) {
        const of = counts.get(field)
        const value = filterFields[field](entry)
        const count = (of?.get(value) ?? 0) + by
        if (count === 0) of?.delete(value)
        else of?.set(value, count)
      }
    }
    if (before !== undefined) {
      serious.delete(before)
      working.delete(before)
    }
    if (after?.severity !== undefined) serious.add(after)
    if (after?.state === 'Reconciling') working.add(after)
    orders.replace(before, after)
  }

  /** Brings the entries up to date, for what changed. */
  async function update(): Promise<void> {
    const breathe = createBreather()
    const now = new Set(views())
    for (const [view, { stop, entries, refused }] of shown) {
      if (now.has(view)) continue
      stop()
      shown.delete(view)
      for (const entry of [...entries.values(), ...refused]) replace(entry, undefined)
    }
    for (const view of now) {
      const each = shown.get(view) ?? show(view)
      shown.set(view, each)
      const keys = each.changed ?? allKeys(view, each)
      each.changed = new Set()
      for (const key of keys) {
        const before = each.entries.get(key)
        const after = entryOf(view, key)
        if (after === undefined) each.entries.delete(key)
        else each.entries.set(key, after)
        replace(before, after)
        const breath = breathe()
        if (breath !== undefined) await breath
      }
      const refusals = view.refusals()
      if (refusals === each.refusals) continue
      for (const entry of each.refused) replace(entry, undefined)
      each.refusals = refusals
      each.refused = refusals.map((refusal) => entryOfRefusal(view, refusal))
      for (const entry of each.refused) replace(undefined, entry)
    }
  }

  const refresh = () => inTurn('update', update)

  return {
    async query(query) {
      await refresh()
      const sorted = await orders.sorted(query.sort ?? 'name', () => allEntries(shown))
      const { page = 1, size = 50, descending = false } = query
      const matching = await filterEntries(sorted, query)
      const from = (page - 1) * size
      const rows = descending
        ? matching
            .slice(Math.max(0, matching.length - from - size), Math.max(0, matching.length - from))
            .reverse()
        : matching.slice(from, from + size)
      return {
        rows: rows.map(rowOf),
        total: matching.length,
        all: sorted.length,
        page,
        size,
        filters: presentFilters(counts),
      }
    },
    async summary() {
      await refresh()
      const states = { total: 0, Ready: 0, Reconciling: 0, Stalled: 0, Held: 0, Refused: 0 }
      for (const [state, count] of counts.get('state') ?? []) {
        states[state as 'Ready'] = count // The field's values are the states.
        states.total += count
      }
      return { counts: states, serious, working }
    },
    close() {
      for (const { stop } of shown.values()) stop()
      shown.clear()
    },
  }
}

function allKeys(view: ClusterView, { entries }: Shown): Set<Key> {
  const keys = new Set([...entries.keys(), ...view.declarations().keys()])
  for (const { key } of view.records.list()) keys.add(key)
  return keys
}

function allEntries(shown: ReadonlyMap<ClusterView, Shown>): ObjectEntry[] {
  return [...shown.values()].flatMap(({ entries, refused }) => [...entries.values(), ...refused])
}

/** The entries that a query is for. */
export async function filterEntries(
  entries: readonly ObjectEntry[],
  query: ObjectQuery,
): Promise<readonly ObjectEntry[]> {
  const tests = testsOf(query)
  if (tests.length === 0) return entries
  const breathe = createBreather()
  const found: ObjectEntry[] = []
  for (const entry of entries) {
    if (tests.every((test) => test(entry))) found.push(entry)
    const breath = breathe()
    if (breath !== undefined) await breath
  }
  return found
}

function testsOf(query: ObjectQuery): ((entry: ObjectEntry) => boolean)[] {
  const fields = filterNames.flatMap((field) => {
    const list = query[field]
    if (list === undefined) return []
    const values = new Set(list.split(','))
    return [(entry: ObjectEntry) => values.has(filterFields[field](entry))]
  })
  const { text = '' } = query
  const search = createSearch(text)
  return text.trim() === '' ? fields : [...fields, (entry) => search(entry.text)]
}

const mostFilterValues = 200

function presentFilters(
  counts: ReadonlyMap<FilterField, ReadonlyMap<string, number>>,
): ObjectPage['filters'] {
  const valuesOf = (field: FilterField): FilterValues =>
    [...(counts.get(field) ?? [])]
      .map(([value, count]) => ({ value, count }))
      .sort((one, other) => other.count - one.count || (one.value < other.value ? -1 : 1))
      .slice(0, mostFilterValues)
  return {
    state: valuesOf('state'),
    kind: valuesOf('kind'),
    plugin: valuesOf('plugin'),
    namespace: valuesOf('namespace'),
    cluster: valuesOf('cluster'),
    source: valuesOf('source'),
  }
}
