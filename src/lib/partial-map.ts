/** A list by ID of which some entries could not be read. An ID that it lacks may be one of them. */
export class PartialMap<Key, Value> extends Map<Key, Value> {
  override readonly [Symbol.toStringTag] = 'PartialMap'
}

/** @param unreadable how many entries of the list could not be read */
export function mapOf<Value>(
  entries: readonly (readonly [string, Value])[],
  unreadable: number,
): ReadonlyMap<string, Value> {
  return unreadable === 0 ? new Map(entries) : new PartialMap(entries)
}

/** Whether the list proves that an ID is absent. */
export function provesAbsence(list: ReadonlyMap<string, unknown>, id: string): boolean {
  return !list.has(id) && !(list instanceof PartialMap)
}
