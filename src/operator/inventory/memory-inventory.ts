import type { Key } from '../plan/identity.ts'
import type { Orders } from '../plan/orders.ts'
import type { Inventory, RecordIndexes } from '../plan/ports.ts'
import {
  type Declared,
  externalToken,
  type InventoryRecord,
  joinRecord,
  type ManagedPart,
  storedThing,
} from '../plan/record.ts'
import type { Released } from '../plan/released.ts'

/** Everything in an inventory except the key of its hashes. */
export interface InventoryContents {
  /** Each has a managed part with the same key. */
  readonly declared: readonly Declared[]
  readonly managed: readonly ManagedPart[]
  readonly orders: readonly (readonly [Key, Orders])[]
  readonly released: readonly Released[]
}

/** An inventory that outlives the process, with what `mooring plan` needs while an operator runs. */
export interface LastingInventory extends Inventory {
  contents(): InventoryContents
  /** The key of the keyed hashes. Only the operator's own user may read it. */
  readonly hashKey: Buffer
}

export const emptyContents: InventoryContents = { declared: [], managed: [], orders: [], released: [] }

export interface MemoryInventory extends Inventory {
  contents(): InventoryContents
  /** The declaration as last seen, also of an identity that is not managed yet. */
  declared(key: Key): Declared | undefined
  managed(key: Key): ManagedPart | undefined
}

/** An inventory in memory: for dry runs, and as the cache of the stored inventories. */
export function createMemoryInventory(
  contents: InventoryContents,
  keyedHash: (text: string) => string,
): MemoryInventory {
  const declared = new Map(contents.declared.map((each) => [each.key, each]))
  const managed = new Map(contents.managed.map((each) => [each.key, each]))
  const orders = new Map(contents.orders)
  const released = createReleased(contents.released)
  const records = new Map<Key, InventoryRecord>()
  const indexes = createIndexes()
  const listeners = new Set<Parameters<Inventory['onChange']>[0]>()

  /** Joins the parts again, and updates the indexes and listeners. */
  function refresh(key: Key): void {
    const read = declared.get(key)
    const part = managed.get(key)
    const before = records.get(key)
    const after = read && part && joinRecord(read, part, orders.get(key)?.expiry)
    if (before !== undefined) indexes.remove(before)
    if (after === undefined) records.delete(key)
    else {
      records.set(key, after)
      indexes.add(after)
    }
    if (before === undefined && after === undefined) return
    for (const listener of listeners) listener(key, after, before)
  }
  for (const key of managed.keys()) refresh(key)

  return {
    get: (key) => records.get(key),
    list: () => [...records.values()],
    size: () => records.size,
    find: indexes.find,
    onChange(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    async declare(each) {
      declared.set(each.key, each)
      refresh(each.key)
    },
    undeclare(key) {
      if (!managed.has(key)) declared.delete(key)
    },
    async put(part) {
      if (!declared.has(part.key)) throw new Error(`${part.key} was never declared`)
      managed.set(part.key, part)
      refresh(part.key)
    },
    async delete(key) {
      managed.delete(key)
      declared.delete(key)
      orders.delete(key)
      refresh(key)
    },
    async release(left) {
      released.add(left)
    },
    released: released.all,
    findReleased: released.find,
    orders: (key) => orders.get(key) ?? {},
    async amendOrders(key, change) {
      orders.set(key, change(orders.get(key) ?? {}))
      refresh(key)
    },
    keyedHash,
    declared: (key) => declared.get(key),
    managed: (key) => managed.get(key),
    contents: () => ({
      declared: [...managed.keys()].flatMap((key) => declared.get(key) ?? []),
      managed: [...managed.values()],
      orders: [...orders],
      released: released.all(),
    }),
  }
}

function createReleased(contents: readonly Released[]) {
  const entries = new Map<string, Released>()
  const tokensBy = { key: new Map<string, Set<string>>(), externalID: new Map<string, Set<string>>() }
  function add(left: Released): void {
    const token = JSON.stringify([left.key, left.externalID])
    entries.set(token, left)
    for (const field of ['key', 'externalID'] as const) {
      const tokens = tokensBy[field].get(left[field])
      if (tokens === undefined) tokensBy[field].set(left[field], new Set([token]))
      else tokens.add(token)
    }
  }
  for (const each of contents) add(each)
  return {
    add,
    all: () => [...entries.values()],
    find: (field: 'key' | 'externalID', value: string): readonly Released[] =>
      [...(tokensBy[field].get(value) ?? [])].flatMap((token) => entries.get(token) ?? []),
  }
}

/** The values under which each index lists the record. */
function tokensOf(record: InventoryRecord): Partial<Record<keyof RecordIndexes, string | undefined>> {
  const { declaration } = record
  const { namespace } = declaration.spec
  const common = {
    kind: record.kind,
    plugin: storedThing(record).pluginID,
    object: declaration.place.object?.uid,
    schedule: record.schedule?.schedule,
  }
  switch (declaration.kind) {
    case 'Volume':
      return {
        ...common,
        external: externalOf(record),
        volumeName: `${namespace}/${declaration.name}`,
        wholeName: declaration.instance && `${namespace}/${declaration.instance.name}`,
      }
    case 'Snapshot':
      return {
        ...common,
        snapshotsOf: `${namespace}/${declaration.spec.volume}`,
        snapshot: snapshotOf(record),
      }
    case 'SnapshotSchedule':
    case 'HostVolume':
      return common
  }
}

function externalOf(record: InventoryRecord): string | undefined {
  if (record.kind !== 'Volume') return undefined
  const { pluginID, externalID = record.externalID } = record.declaration.spec
  return externalID === undefined ? undefined : externalToken(pluginID, record.externalID ?? externalID)
}

function snapshotOf(record: InventoryRecord): string | undefined {
  if (record.kind !== 'Snapshot' || record.snapshotID === undefined) return undefined
  return externalToken(record.pluginID ?? '', record.snapshotID)
}

function createIndexes() {
  // Most values have one record. A map for each of them would weigh more than all else that finds it.
  const found = new Map<string, InventoryRecord | Map<Key, InventoryRecord>>()
  const places = (record: InventoryRecord) =>
    Object.entries(tokensOf(record)).flatMap(([index, value]) =>
      value === undefined ? [] : [`${index} ${value}`],
    )
  return {
    add(record: InventoryRecord) {
      for (const place of places(record)) {
        const there = found.get(place)
        if (there instanceof Map) there.set(record.key, record)
        else if (there === undefined || there.key === record.key) found.set(place, record)
        else found.set(place, new Map([there, record].map((each) => [each.key, each])))
      }
    },
    remove(record: InventoryRecord) {
      for (const place of places(record)) {
        const there = found.get(place)
        if (there instanceof Map) {
          there.delete(record.key)
          if (there.size === 0) found.delete(place)
        } else if (there?.key === record.key) found.delete(place)
      }
    },
    find(index: keyof RecordIndexes, value: string): readonly InventoryRecord[] {
      const there = found.get(`${index} ${value}`)
      if (there === undefined) return []
      return there instanceof Map ? [...there.values()] : [there]
    },
  }
}
