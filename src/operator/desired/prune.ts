import { advise } from '../../lib/reasons/explanation.ts'
import { reasons } from '../../lib/reasons/reasons.ts'
import { filterInSlices, runAtOnce, type Slices } from '../../lib/slices.ts'
import type { Key } from '../plan/identity.ts'
import { familyOf } from '../plan/per-alloc.ts'
import type { InventoryRecord } from '../plan/record.ts'
import type { Absence, Reading } from './absence.ts'
import { explainUnclear, namesOf, type Unclear } from './judge-removal.ts'
import {
  isConfirmed,
  isDestructive,
  type OrderedEnd,
  planGoneObject,
  planOrderedEnd,
  uncountedMs,
  wasOneOfTooMany,
} from './object-ends.ts'

export interface PruneOptions {
  /** Whether removing a declaration ends its volume or snapshot. */
  readonly prune: boolean
  /** How long a declaration must be missing, between two readings that saw it removed, before it ends. */
  readonly pruneDelayMs: number
  /** How many may end at once; undefined: 10 % of the managed ones, and at least 1. */
  readonly maxPrune?: number
  /** Whether empty sources end the last declarations. */
  readonly allowEmpty: boolean
}

/** What is known of absent declarations beside their records. */
export interface Absent {
  /** The ends that people ordered by deleting an object. */
  readonly ends: ReadonlyMap<Key, OrderedEnd>
  /** Instances excluded by a lowered perAlloc.count: they need no --prune. */
  readonly ordered: ReadonlySet<Key>
  /** Declarations whose removal was not seen, and why that is in doubt. */
  readonly unclear: ReadonlyMap<Key, Unclear>
  /** Declarations whose removal a person has confirmed. */
  readonly confirmed: ReadonlySet<Key>
}

const nothingKnown: Absent = {
  ends: new Map(),
  ordered: new Set(),
  unclear: new Map(),
  confirmed: new Set(),
}

/**
 * Decides for every managed identity that is not declared. In doubt nothing ends: not if the removal was not seen, not
 * if the sources are empty, not if too many would end at once.
 * @param managedCount managed declarations: one with perAlloc counts once
 * @param absent with the time that each has been missing until this reading
 */
export function planAbsences(
  ...parameters: Parameters<typeof planAbsencesInSlices>
): ReadonlyMap<Key, Absence> {
  return runAtOnce(planAbsencesInSlices(...parameters))
}

/** As planAbsences, in slices. What is given must not change meanwhile. */
export function* planAbsencesInSlices(
  absent: readonly InventoryRecord[],
  managedCount: number,
  reading: Reading,
  options: PruneOptions,
  known: Partial<Absent> = {},
): Slices<ReadonlyMap<Key, Absence>> {
  const { ends, ordered, unclear, confirmed } = { ...nothingKnown, ...known }
  const mistakable = yield* filterInSlices(absent, mayBeMistake)
  const destructive = new Set(mistakable.map(orderOf)).size
  const limit = options.maxPrune ?? Math.max(1, Math.floor(managedCount / 10))
  const count = {
    destructive,
    limit,
    uncountedMs: uncountedMs(mistakable.flatMap(({ key }) => ends.get(key) ?? [])),
  }
  const absences = new Map<Key, Absence>()
  for (const record of absent) {
    absences.set(record.key, absenceOf(record))
    yield
  }
  return absences

  /** Whether it counts against the limit: confirmed and harmless ends do not, nor what is kept anyway. */
  function mayBeMistake({ key, declaration }: InventoryRecord): boolean {
    const end = ends.get(key)
    if (end === undefined) {
      const mayEnd = declaration.place.object === undefined || ordered.has(key)
      return mayEnd && !unclear.has(key) && !confirmed.has(key) && isDestructive(declaration)
    }
    return !isConfirmed(end) && !end.isReleased && isDestructive(end.declaration ?? declaration)
  }

  /**
   * A removed declaration or a deleted object counts once, even if it stands for several volumes. Each volume that a
   * lowered count leaves out counts: a typing error there is one character.
   */
  function orderOf({ key, declaration }: InventoryRecord): string {
    return ends.get(key)?.place.object?.uid ?? (ordered.has(key) ? key : familyOf(declaration))
  }

  function absenceOf(record: InventoryRecord): Absence {
    const { key, declaration, missing } = record
    const end = ends.get(key)
    if (end?.isReleased) return planOrderedEnd(record, end, count, reading.atMs)
    // An end that has begun is finished: its first effect has been sent.
    if (record.kind === 'Volume' && record.end !== undefined) return { state: 'ending' }
    if (end !== undefined) return planOrderedEnd(record, end, count, reading.atMs)
    if (declaration.place.object !== undefined && !ordered.has(key)) return planGoneObject(record, reading)
    const doubt = unclear.get(key)
    if (doubt !== undefined) return planUnclear(record, doubt, reading)
    if (reading.count === 0 && !options.allowEmpty && !confirmed.has(key)) {
      return {
        state: 'held',
        reason: 'SourceEmpty',
        message: `the sources declare nothing, which is probably a mistake, so nothing ends. ${advise(reasons.SourceEmpty.person.restore(), reasons.SourceEmpty.person.confirm(namesOf(declaration)))}`,
      }
    }
    if (!options.prune && !ordered.has(key)) {
      return {
        state: 'held',
        reason: 'PruneDisabled',
        message: `no longer declared, but nothing ends without --prune. ${advise(reasons.PruneDisabled.person.prune())}`,
      }
    }
    const isTooMany = destructive > limit || wasOneOfTooMany(record)
    if (isDestructive(declaration) && isTooMany && !confirmed.has(key)) {
      const what =
        ordered.size === 0 ? 'declarations' : 'declarations, or volumes that a lowered count leaves out,'
      const many =
        destructive > limit
          ? `${destructive} ${what} were removed at once and --max-prune allows ${limit}`
          : 'it was removed together with more others than --max-prune allows'
      return {
        state: 'held',
        reason: 'TooManyEnds',
        message: `${many}, so nothing ends. ${advise(reasons.TooManyEnds.person.keep(), reasons.TooManyEnds.person.cancel(namesOf(declaration)), reasons.TooManyEnds.person.confirm(namesOf(declaration)))}`,
      }
    }
    const elapsedMs = missing?.elapsedMs ?? 0
    // Even with a delay of zero, two readings must miss it.
    return missing?.isSeen && elapsedMs >= options.pruneDelayMs
      ? { state: 'ending' }
      : { state: 'missing', untilMs: reading.atMs + options.pruneDelayMs - elapsedMs }
  }
}

/** The absence of a declaration whose removal is in doubt. */
export function planUnclear({ declaration }: InventoryRecord, doubt: Unclear, reading: Reading): Absence {
  return {
    state: 'held',
    reason: reading.sources.has(declaration.place.source) ? 'SourceUnclear' : 'SourceNotRead',
    message: explainUnclear(declaration, doubt),
  }
}
