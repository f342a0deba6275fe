import { isDeepStrictEqual } from 'node:util'
import { createInTurn } from '../../lib/in-turn.ts'
import { filterInSlices, forEachInSlices, runInSlices, type Slices } from '../../lib/slices.ts'
import type { AllowedIDs } from '../declare/allowed-ids.ts'
import type { Declaration } from '../declare/declaration.ts'
import type { Key } from '../plan/identity.ts'
import { wholeKeyOf } from '../plan/per-alloc.ts'
import type { DeclaredStore, OrderStore, RecordReads } from '../plan/ports.ts'
import type { Declared, InventoryRecord, Sighting } from '../plan/record.ts'
import type { Absence, Reading } from './absence.ts'
import { createCameInDoubt } from './came-in-doubt.ts'
import { type Decided, decide } from './decide.ts'
import {
  createDeclarationIndex,
  type DeclarationIndex,
  type DeclarationIndexes,
} from './declaration-index.ts'
import { findDependents } from './dependents.ts'
import { createMissingCount } from './missing-count.ts'
import type { OrderedEnd } from './object-ends.ts'
import { createOpenRecords } from './open-records.ts'
import type { Refusal } from './ownership.ts'
import type { PruneOptions } from './prune.ts'
import { takeRecordSnapshot } from './record-snapshot.ts'
import { isSameDeclaration } from './same-declaration.ts'
import { createSettled } from './settled.ts'
import { sightingOf } from './unclaimed.ts'

/** The declarations now in force, and the fate of managed identities whose declaration was removed. */
export interface Desired {
  declaration(key: Key): Declaration | undefined
  declarations(): ReadonlyMap<Key, Declaration>
  /** The declarations with this value in the index, in no order. */
  find(index: keyof DeclarationIndexes, value: string): readonly Declaration[]
  /** The identities that refer to this one. They need a pass when its status changes. */
  dependents(key: Key): readonly Key[]
  /** For a managed identity that is not declared. */
  absence(key: Key): Absence | undefined
  refusals(): readonly Refusal[]
}

export interface DesiredUpdate {
  /** Identities whose declaration or absence changed: in the first reading, from what their records say. */
  readonly changed: readonly Key[]
  /** When to read the sources again to decide a pending end, on the clock of `Reading.monotonicMs`. */
  readonly readAgainAtMs: number | undefined
}

/**
 * Holds the desired state between readings. What a later process needs to decide the same is in the inventory. A reading
 * is decided in slices, by the records as they were when it began, and what it decided comes into force all at once.
 */
export function createDesired(options: {
  readonly inventory: RecordReads & DeclaredStore & Pick<OrderStore, 'orders'>
  readonly region: string
  readonly prune: PruneOptions
  readonly allowedIDs?: AllowedIDs
  /** Makes what is asked between slices: see runInSlices. Absent: a reading is decided in one piece. */
  readonly createBreather?: () => () => Promise<void> | undefined
}): Desired & {
  /**
   * Takes the readings one after the other, in the order of the calls.
   * @param ends ends that people ordered by deleting an object
   */
  update(
    declarations: readonly Declaration[],
    reading: Reading,
    ends?: readonly OrderedEnd[],
  ): Promise<DesiredUpdate>
} {
  const { inventory, region, prune, allowedIDs, createBreather = () => () => undefined } = options
  const count = createMissingCount(prune.pruneDelayMs)
  const cameInDoubt = createCameInDoubt()
  let owners: Map<Key, Declaration> = new Map()
  const settled = createSettled()
  const openRecords = createOpenRecords(inventory)
  /** Identities that have an owner and are not settled. */
  let undecided: ReadonlySet<Key> = new Set()
  let absences: ReadonlyMap<Key, Absence> = new Map()
  let refusals: readonly Refusal[] = []
  let index = createDeclarationIndex()
  let isFirst = true
  const inTurn = createInTurn()

  /** What the last clear reading knew of where each owner stands. Without it, nobody could see its removal later. */
  const sightings = new Map<Key, Sighting>()

  // A declaration that came back during its end is managed again once the end is done.
  inventory.onChange((key, record) => {
    const declaration = record === undefined ? owners.get(key) : undefined
    if (declaration === undefined) return
    const sighting = sightings.get(key)
    void inventory.declare({ key, declaration, ...(sighting === undefined ? {} : { sighting }) })
  })

  async function update(
    declarations: readonly Declaration[],
    reading: Reading,
    orderedEnds: readonly OrderedEnd[],
  ): Promise<DesiredUpdate> {
    const breathe = createBreather()
    const inSlices = <Result>(work: Slices<Result>) => runInSlices(work, breathe)
    const snapshot = takeRecordSnapshot(inventory)
    try {
      const context = { inventory, snapshot, region, allowedIDs, prune }
      const memory = { settled, openRecords, count, cameInDoubt, absences }
      const decided = await inSlices(decide({ ...context, ...memory }, declarations, reading, orderedEnds))
      const changes = await inSlices(findChanges(decided, reading))
      const next = await inSlices(ownersAfter(changes, decided))
      const declaredNow = await inSlices(declareNew(changes, decided))
      const stored = enforce(decided, changes, next, snapshot.gone())
      await inSlices(settleOwners(decided, changes, reading))
      isFirst = false
      await Promise.all([...declaredNow, ...stored])
      cameInDoubt.stored()
      const untilMs = earliestOf(decided.absences.values())
      const readAgainAtMs = untilMs === undefined ? undefined : untilMs - reading.atMs + reading.monotonicMs
      return { changed: changes.changed, readAgainAtMs }
    } finally {
      snapshot.close()
    }
  }

  /** Compares what was decided with what is in force. */
  function* findChanges(decided: Decided, reading: Reading): Slices<Changes> {
    const { declared, records, ownership, claimsByKey, doubtedFiles } = decided
    const keys = new Set<Key>()
    for (const some of [undecided, decided.opened, declared.keys(), absences.keys(), decided.absences.keys()])
      yield* forEachInSlices(some, (key) => void keys.add(key))
    const changed: Key[] = []
    const replaced: Key[] = []
    yield* forEachInSlices(keys, (key) => {
      const [before, after] = [owners.get(key), declared.get(key)]
      if (before !== after) replaced.push(key)
      // What a process before this one has recorded is no news to the first reading.
      const known = before ?? (isFirst ? records.get(key)?.declaration : undefined)
      if (
        !isSameDeclaration(known, after) ||
        !isDeepStrictEqual(absences.get(key), decided.absences.get(key))
      )
        changed.push(key)
    })
    const seen = new Map<Key, Sighting>()
    const writes = new Map<Key, Declared>()
    yield* forEachInSlices(ownership.owners, ([key, declaration]) => {
      if (!claimsByKey.has(key)) return
      const record = records.get(key)
      const sighting = doubtedFiles.withDoubted(sightingOf(declaration, reading), record, declaration)
      if (sighting !== undefined) seen.set(key, sighting)
      const isNews =
        record === undefined ? owners.get(key) !== declaration : isNewer(record, declaration, sighting)
      if (isNews && (record !== undefined || declared.has(key)))
        writes.set(key, declaredAs(key, declaration, sighting))
    })
    yield* forEachInSlices(decided.absent, ({ key, missing, latest: scaled }) => {
      const before = records.get(key)
      if (before === undefined || before.schedule !== undefined) return
      const latest = writes.get(key)?.declaration ?? scaled ?? before.declaration
      if (count.isStored(before.missing, missing) && isSameDeclaration(latest, before.declaration)) return
      writes.set(key, {
        ...declaredAs(key, latest, before.sighting),
        ...(missing === undefined ? {} : { missing }),
      })
    })
    return { changed, replaced, sightings: seen, writes }
  }

  /** Where many owners change, others are prepared in the place of all; undefined: they change in their place. */
  function* ownersAfter({ replaced }: Changes, { declared }: Decided) {
    if (replaced.length <= mostInPlace) return undefined
    const next = { owners: new Map(owners), index: createDeclarationIndex() }
    yield* forEachInSlices(replaced, (key) => {
      const after = declared.get(key)
      if (after === undefined) next.owners.delete(key)
      else next.owners.set(key, after)
    })
    yield* forEachInSlices(next.owners.values(), (each) => next.index.replace(undefined, each))
    return next
  }

  /** What is not managed yet is declared in memory alone, where nobody looks for it before it is in force. */
  function* declareNew({ writes }: Changes, { declared }: Decided): Slices<Promise<void>[]> {
    const all: Promise<void>[] = []
    yield* forEachInSlices(writes.values(), (each) => {
      if (inventory.get(each.key) !== undefined || !declared.has(each.key)) return
      all.push(begin(inventory.declare(each)))
    })
    return all
  }

  /**
   * Puts into force what was decided, all at once.
   * @param gone the records that were decided about and are no longer there
   * @returns what is being stored
   */
  function enforce(
    { declared, absences: nextAbsences, ownership }: Decided,
    { replaced, sightings: seen, writes }: Changes,
    next: { readonly owners: Map<Key, Declaration>; readonly index: DeclarationIndex } | undefined,
    gone: readonly Key[],
  ): Promise<void>[] {
    for (const key of replaced) {
      const [before, after] = [owners.get(key), declared.get(key)]
      if (next === undefined) {
        index.replace(before, after)
        if (after === undefined) owners.delete(key)
        else owners.set(key, after)
      }
      if (after !== undefined) continue
      inventory.undeclare(key)
      sightings.delete(key)
    }
    if (next !== undefined) {
      owners = next.owners
      index = next.index
    }
    absences = nextAbsences
    refusals = ownership.refusals
    const toStore = new Map<Key, Declared>()
    for (const [key, write] of writes) if (inventory.get(key) !== undefined) toStore.set(key, write)
    for (const key of gone) {
      const declaration = declared.get(key)
      // Its end is done meanwhile. It is managed again with this declaration.
      if (declaration !== undefined) toStore.set(key, declaredAs(key, declaration, seen.get(key)))
    }
    return [...toStore.values()].map((each) => begin(inventory.declare(each)))
  }

  /** Nothing is left to decide about an owner whose record says all that this reading knows. */
  function* settleOwners(decided: Decided, { sightings: seen, writes }: Changes, reading: Reading) {
    const { ownership, claimsByKey, declared, records } = decided
    yield* forEachInSlices(ownership.owners, ([key, declaration]) => {
      if (!claimsByKey.has(key)) return
      const sighting = seen.get(key)
      if (sighting !== undefined && owners.has(key)) sightings.set(key, sighting)
      count.forget(key)
      const record = records.get(key)
      const isAlone = claimsByKey.get(key)?.length === 1 && wholeKeyOf(declaration) === undefined
      const isClear = declared.has(key) && !absences.has(key) && !ownership.held.has(key)
      if (record === undefined || writes.has(key) || !isAlone || !isClear || isSpecial(record)) return
      settled.settle(declaration, reading, ownership.tokens.get(key) ?? [])
      if (settled.has(key)) openRecords.close(key)
    })
    undecided = new Set(yield* filterInSlices(declared.keys(), (key) => !settled.has(key)))
  }

  return {
    declaration: (key) => owners.get(key),
    declarations: () => owners,
    find: (field, value) => index.find(field, value).flatMap((key) => owners.get(key) ?? []),
    dependents: (key) => findDependents(key, owners.get(key), index),
    absence: (key) => absences.get(key),
    refusals: () => refusals,
    update: (declarations, reading, ends = []) =>
      inTurn('reading', () => update(declarations, reading, ends)),
  }
}

/** For work that is waited for some slices later: its failure is heard of then. */
function begin(work: Promise<void>): Promise<void> {
  work.catch(() => {})
  return work
}

/** So many owners change in their place without holding up anything else. */
const mostInPlace = 1_000

interface Changes {
  /** Whose declaration or absence differs. */
  readonly changed: readonly Key[]
  /** Whose declaration is another object, or none. */
  readonly replaced: readonly Key[]
  /** Where each declared identity stands. */
  readonly sightings: ReadonlyMap<Key, Sighting>
  /** What the inventory does not know yet. */
  readonly writes: ReadonlyMap<Key, Declared>
}

function declaredAs(key: Key, declaration: Declaration, sighting: Sighting | undefined): Declared {
  return { key, declaration, ...(sighting === undefined ? {} : { sighting }) }
}

/** When the first of these is decided again, in milliseconds since the epoch. */
function earliestOf(absences: Iterable<Absence>): number | undefined {
  let earliest: number | undefined
  for (const absence of absences) {
    if (absence.state === 'ending' || absence.untilMs === undefined) continue
    earliest = Math.min(absence.untilMs, earliest ?? absence.untilMs)
  }
  return earliest
}

/** Whether more of a record decides than what its declaration says and where it stands. */
function isSpecial({ schedule, sighting }: InventoryRecord): boolean {
  return schedule !== undefined || sighting?.doubted !== undefined
}

/** Whether the record needs the owner's current declaration, or what surrounds it. */
function isNewer(record: InventoryRecord, declaration: Declaration, sighting: Sighting | undefined): boolean {
  if (record.schedule !== undefined) return false
  return (
    record.missing !== undefined ||
    !isSameDeclaration(record.declaration, declaration) ||
    // A file that is in doubt for another of its documents shows nothing about its surroundings.
    (sighting !== undefined && !isDeepStrictEqual(record.sighting, sighting))
  )
}
