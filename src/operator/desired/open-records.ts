import type { Key } from '../plan/identity.ts'
import { familyOf, wholeKeyOf } from '../plan/per-alloc.ts'
import type { RecordReads } from '../plan/ports.ts'
import type { InventoryRecord } from '../plan/record.ts'

/** Follows the records of an inventory, so that no reading has to look at all of them. */
export interface OpenRecords {
  /** The identities whose records have changed since they were last asked for. */
  takeChanged(): ReadonlySet<Key>
  /** Records that no settled declaration has. Those that schedules made are not among them. */
  keys(): Iterable<Key>
  /** A settled declaration has this record. */
  close(key: Key): void
  open(key: Key): void
  /** How many declarations are managed: one with perAlloc counts once. */
  managedCount(): number
}

export function createOpenRecords(inventory: Pick<RecordReads, 'list' | 'size' | 'onChange'>): OpenRecords {
  const open = new Set<Key>()
  let changed = new Set<Key>()
  /** By the key of an instance. */
  const families = new Map<Key, string>()
  const instances = new Map<string, number>()

  function count(family: string, by: 1 | -1): void {
    const sum = (instances.get(family) ?? 0) + by
    if (sum === 0) instances.delete(family)
    else instances.set(family, sum)
  }

  function note(key: Key, record: InventoryRecord | undefined): void {
    if (record === undefined || record.schedule !== undefined) open.delete(key)
    else open.add(key)
    const before = families.get(key)
    const isInstance = record !== undefined && wholeKeyOf(record.declaration) !== undefined
    const after = isInstance ? familyOf(record.declaration) : undefined
    if (before === after) return
    if (before !== undefined) count(before, -1)
    if (after === undefined) families.delete(key)
    else {
      families.set(key, after)
      count(after, 1)
    }
  }

  for (const record of inventory.list()) note(record.key, record)
  inventory.onChange((key, record) => {
    changed.add(key)
    note(key, record)
  })
  return {
    takeChanged() {
      const taken = changed
      changed = new Set()
      return taken
    },
    keys: () => open,
    close: (key) => void open.delete(key),
    open: (key) => void open.add(key),
    managedCount: () => inventory.size() - families.size + instances.size,
  }
}
