import type { Key } from '../plan/identity.ts'
import type { InventoryRecord } from '../plan/record.ts'
import type { Absence, Reading } from './absence.ts'
import { isDestructive, type OrderedEnd, planGoneObject, planOrderedEnd, uncountedMs } from './object-ends.ts'

export interface PruneOptions {
  /** Whether a declaration that is gone may end at all. */
  readonly prune: boolean
  /** How long a declaration must stay gone, between two complete readings, before it ends. */
  readonly pruneDelayMs: number
  /** How many may be ending at once; undefined: the larger of 1 and 10 % of what is managed. */
  readonly maxPrune?: number
  /** Whether sources that declare nothing at all may end what they declared last. */
  readonly allowEmpty: boolean
}

/**
 * Decides for every managed identity that is not declared. Fails towards holding: an incomplete
 * reading, an empty source, or too many at once end nothing.
 * @param ordered those that a declaration which still stands there leaves out on purpose, by a lowered count:
 *   they need no --prune
 */
export function planAbsences(
  absent: readonly InventoryRecord[],
  managedCount: number,
  reading: Reading,
  options: PruneOptions,
  ends: ReadonlyMap<Key, OrderedEnd> = new Map(),
  ordered: ReadonlySet<Key> = new Set(),
): ReadonlyMap<Key, Absence> {
  const mistakable = absent.filter(mayBeMistake)
  const destructive = new Set(mistakable.map(orderOf)).size
  const limit = options.maxPrune ?? Math.max(1, Math.floor(managedCount / 10))
  const count = {
    destructive,
    limit,
    uncountedMs: uncountedMs(mistakable.flatMap(({ key }) => ends.get(key) ?? [])),
  }
  return new Map(absent.map((record) => [record.key, absenceOf(record)]))

  /** Whether it counts against the limit: what is confirmed or goes without harm does not. */
  function mayBeMistake({ key, declaration }: InventoryRecord): boolean {
    const end = ends.get(key)
    if (end === undefined) {
      const mayEnd = declaration.place.object === undefined || ordered.has(key)
      return mayEnd && isDestructive(declaration)
    }
    return !end.isConfirmed && !end.isReleased && isDestructive(end.declaration ?? declaration)
  }

  /** Who deletes an object deletes once, however many volumes it stands for. */
  function orderOf({ key }: InventoryRecord): string {
    return ends.get(key)?.place.object?.uid ?? key
  }

  function absenceOf(record: InventoryRecord): Absence {
    const end = ends.get(record.key)
    if (end?.isReleased) return planOrderedEnd(record, end, count, reading.atMs)
    // An end that has begun is finished: its first effect is out.
    if (record.kind === 'Volume' && record.end !== undefined) return { state: 'ending' }
    if (end !== undefined) return planOrderedEnd(record, end, count, reading.atMs)
    if (record.declaration.place.object !== undefined && !ordered.has(record.key)) {
      return planGoneObject(record, reading)
    }
    if (!reading.complete) {
      return {
        state: 'held',
        reason: 'SourceIncomplete',
        message:
          'no longer declared, but a source could not be read whole: nothing ends until every file is readable and valid',
      }
    }
    if (reading.count === 0 && !options.allowEmpty) {
      return {
        state: 'held',
        reason: 'SourceEmpty',
        message:
          'the sources declare nothing at all, which is more often a mistake than a wish; to end the last declarations on purpose, run with --allow-empty',
      }
    }
    const { source } = record.declaration.place
    if (!reading.sources.has(source)) {
      return {
        state: 'held',
        reason: 'SourceNotRead',
        message: `it was declared in ${source}, which is not among the sources now; run with --source ${source} to end it`,
      }
    }
    const sinceMs = record.missingSinceMs ?? reading.atMs
    if (!options.prune && !ordered.has(record.key)) {
      return {
        state: 'held',
        sinceMs,
        reason: 'PruneDisabled',
        message: 'no longer declared, and kept as it is: nothing ends without --prune',
      }
    }
    if (isDestructive(record.declaration) && destructive > limit) {
      return {
        state: 'held',
        sinceMs,
        reason: 'TooManyEnds',
        message: `${destructive} declarations are gone at once and --max-prune allows ${limit}; put some back, or run with --max-prune ${destructive} if this is meant`,
      }
    }
    const untilMs = sinceMs + options.pruneDelayMs
    // Two readings are asked for, even with a delay of zero.
    return record.missingSinceMs !== undefined && reading.atMs >= untilMs
      ? { state: 'ending' }
      : { state: 'missing', sinceMs, untilMs }
  }
}
