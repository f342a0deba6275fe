import type { Key } from '../plan/identity.ts'
import type { RecordReads } from '../plan/ports.ts'
import type { InventoryRecord } from '../plan/record.ts'

/** How many managed objects are alike. */
export interface ObjectCount {
  readonly kind: InventoryRecord['kind']
  /** The condition that is true of them; `Suspended` where none is. */
  readonly condition: string
  readonly reason: string
  readonly count: number
}

/** Counts the managed objects as they change, so that no scrape looks at all of them. */
export function countObjects(inventory: Pick<RecordReads, 'list' | 'onChange'>): () => Iterable<ObjectCount> {
  const groups = new Map<string, ObjectCount>()
  const groupOf = new Map<Key, string>()

  function add(token: string, group: Omit<ObjectCount, 'count'>, by: 1 | -1): void {
    const count = (groups.get(token)?.count ?? 0) + by
    if (count === 0) groups.delete(token)
    else groups.set(token, { ...group, count })
  }

  function note(key: Key, record: InventoryRecord | undefined): void {
    const before = groupOf.get(key)
    const group = record && { kind: record.kind, ...conditionOf(record) }
    const after = group && `${group.kind} ${group.condition} ${group.reason}`
    if (before === after) return
    const left = before === undefined ? undefined : groups.get(before)
    if (before !== undefined && left !== undefined) add(before, left, -1)
    if (group === undefined || after === undefined) groupOf.delete(key)
    else {
      // The same text for all of a group: a text for each object would weigh more than the counts.
      groupOf.set(key, sharedText(after))
      add(after, group, 1)
    }
  }

  const texts = new Map<string, string>()
  function sharedText(text: string): string {
    const known = texts.get(text)
    if (known === undefined) texts.set(text, text)
    return known ?? text
  }

  for (const record of inventory.list()) note(record.key, record)
  inventory.onChange(note)
  return () => groups.values()
}

/** At most one condition is true. Where a person has suspended the object, none is. */
function conditionOf({ status }: InventoryRecord): { condition: string; reason: string } {
  const [first] = status.conditions
  const found = status.conditions.find((condition) => condition.status === 'True')
  if (found !== undefined) return { condition: found.type, reason: found.reason }
  return first === undefined
    ? { condition: 'Reconciling', reason: 'New' }
    : { condition: 'Suspended', reason: first.reason }
}
