import type { Key } from '../plan/identity.ts'
import type { RecordReads } from '../plan/ports.ts'
import type { InventoryRecord } from '../plan/record.ts'

/** The records as they were at one moment, while passes go on changing them. */
export interface RecordSnapshot {
  get(key: Key): InventoryRecord | undefined
  list(): readonly InventoryRecord[]
  /** The identities that had a record then, and have none now. */
  gone(): readonly Key[]
  close(): void
}

/** Copies nothing: it keeps what the first change of each record since then has replaced. */
export function takeRecordSnapshot(
  inventory: Pick<RecordReads, 'get' | 'list' | 'onChange'>,
): RecordSnapshot {
  const replaced = new Map<Key, InventoryRecord | undefined>()
  const close = inventory.onChange((key, _, before) => {
    if (!replaced.has(key)) replaced.set(key, before)
  })
  return {
    get: (key) => (replaced.has(key) ? replaced.get(key) : inventory.get(key)),
    list: () => [
      ...inventory.list().filter(({ key }) => !replaced.has(key)),
      ...[...replaced.values()].flatMap((record) => record ?? []),
    ],
    gone: () =>
      [...replaced].flatMap(([key, record]) =>
        record !== undefined && inventory.get(key) === undefined ? [key] : [],
      ),
    close,
  }
}
