import type { Key } from '../plan/identity.ts'
import type { InventoryRecord } from '../plan/record.ts'
import type { Absence, Reading } from './absence.ts'
import {
  isConfirmed,
  isDestructive,
  type OrderedEnd,
  planGoneObject,
  planOrderedEnd,
  uncountedMs,
} from './object-ends.ts'

export interface PruneOptions {
  /** Whether removing a declaration ends its volume or snapshot. */
  readonly prune: boolean
  /** How long a declaration must be missing, between two complete readings, before it ends. */
  readonly pruneDelayMs: number
  /** How many may end at once; undefined: 10 % of the managed ones, and at least 1. */
  readonly maxPrune?: number
  /** Whether empty sources end the last declarations. */
  readonly allowEmpty: boolean
}

/**
 * Decides for every managed identity that is not declared. In doubt nothing ends: not after an incomplete reading, not
 * if the sources are empty, not if too many would end at once.
 * @param ordered instances excluded by a lowered perAlloc.count: they need no --prune
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

  /** Whether it counts against the limit: confirmed and harmless ends do not. */
  function mayBeMistake({ key, declaration }: InventoryRecord): boolean {
    const end = ends.get(key)
    if (end === undefined) {
      const mayEnd = declaration.place.object === undefined || ordered.has(key)
      return mayEnd && isDestructive(declaration)
    }
    return !isConfirmed(end) && !end.isReleased && isDestructive(end.declaration ?? declaration)
  }

  /** A deleted object counts once, even if it declares several volumes. */
  function orderOf({ key }: InventoryRecord): string {
    return ends.get(key)?.place.object?.uid ?? key
  }

  function absenceOf(record: InventoryRecord): Absence {
    const end = ends.get(record.key)
    if (end?.isReleased) return planOrderedEnd(record, end, count, reading.atMs)
    // An end that has begun is finished: its first effect has been sent.
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
          'no longer declared, but a source could not be read completely; nothing ends until every file is readable and valid',
      }
    }
    if (reading.count === 0 && !options.allowEmpty) {
      return {
        state: 'held',
        reason: 'SourceEmpty',
        message:
          'the sources declare nothing, which is probably a mistake, so nothing ends; to end the last declarations, run with --allow-empty',
      }
    }
    const { source } = record.declaration.place
    if (!reading.sources.has(source)) {
      return {
        state: 'held',
        reason: 'SourceNotRead',
        message: `it was declared in source ${source}, which is no longer configured, so nothing ends; to end it, run with --source ${source}`,
      }
    }
    const sinceMs = record.missingSinceMs ?? reading.atMs
    if (!options.prune && !ordered.has(record.key)) {
      return {
        state: 'held',
        sinceMs,
        reason: 'PruneDisabled',
        message: 'no longer declared, but nothing ends without --prune; to end it, run with --prune',
      }
    }
    if (isDestructive(record.declaration) && destructive > limit) {
      return {
        state: 'held',
        sinceMs,
        reason: 'TooManyEnds',
        message: `${destructive} declarations were removed at once and --max-prune allows ${limit}, so nothing ends; restore some of them, or run with --max-prune ${destructive} to end them all`,
      }
    }
    const untilMs = sinceMs + options.pruneDelayMs
    // Even with a delay of zero, two readings must miss it.
    return record.missingSinceMs !== undefined && reading.atMs >= untilMs
      ? { state: 'ending' }
      : { state: 'missing', sinceMs, untilMs }
  }
}
