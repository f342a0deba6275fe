import { isDeepStrictEqual } from 'node:util'
import type { AllowedIDs } from '../declare/allowed-ids.ts'
import type { Declaration, VolumeDeclaration } from '../declare/declaration.ts'
import { type Key, keyOf } from '../plan/identity.ts'
import { expandPerAlloc, leftOutBy, planScaledAway, wholeKeyOf } from '../plan/per-alloc.ts'
import type { DeclaredStore, OrderStore, RecordReads } from '../plan/ports.ts'
import type { Declared, InventoryRecord, Missing, Sighting } from '../plan/record.ts'
import type { Absence, Reading } from './absence.ts'
import { createCameInDoubt } from './came-in-doubt.ts'
import { createDeclarationIndex, type DeclarationIndexes } from './declaration-index.ts'
import { findDependents } from './dependents.ts'
import { createDoubtedFiles } from './doubted-files.ts'
import { createMissingCount, type Proof } from './missing-count.ts'
import type { OrderedEnd } from './object-ends.ts'
import { createOpenRecords } from './open-records.ts'
import { planOwnership, type Refusal, tokensOf } from './ownership.ts'
import { type PruneOptions, planAbsences, planUnclear } from './prune.ts'
import { createSettled } from './settled.ts'
import { isKept, isOfFile, judgeUnclaimed, sightingOf } from './unclaimed.ts'

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
  /** Identities whose declaration or absence changed. */
  readonly changed: readonly Key[]
  /** When to read the sources again to decide a pending end, on the clock of `Reading.monotonicMs`. */
  readonly readAgainAtMs: number | undefined
}

/** Holds the desired state between readings. What a later process needs to decide the same is in the inventory. */
export function createDesired(options: {
  readonly inventory: RecordReads & DeclaredStore & Pick<OrderStore, 'orders'>
  readonly region: string
  readonly prune: PruneOptions
  readonly allowedIDs?: AllowedIDs
}): Desired & {
  /** @param ends ends that people ordered by deleting an object */
  update(
    declarations: readonly Declaration[],
    reading: Reading,
    ends?: readonly OrderedEnd[],
  ): Promise<DesiredUpdate>
} {
  const { inventory, region, prune, allowedIDs } = options
  const count = createMissingCount(prune.pruneDelayMs)
  const cameInDoubt = createCameInDoubt()
  const owners = new Map<Key, Declaration>()
  const settled = createSettled()
  const openRecords = createOpenRecords(inventory)
  /** Identities that have an owner and are not settled. */
  let undecided: ReadonlySet<Key> = new Set()
  let absences: ReadonlyMap<Key, Absence> = new Map()
  let refusals: readonly Refusal[] = []
  const index = createDeclarationIndex()

  /** What the last clear reading knew of where each owner stands. Without it, nobody could see its removal later. */
  const sightings = new Map<Key, Sighting>()

  // A declaration that came back during its end is managed again once the end is done.
  inventory.onChange((key, record) => {
    const declaration = record === undefined ? owners.get(key) : undefined
    if (declaration === undefined) return
    const sighting = sightings.get(key)
    void inventory.declare({ key, declaration, ...(sighting === undefined ? {} : { sighting }) })
  })

  /** Whether a person has confirmed that the declaration was removed on purpose. The order is for this absence alone. */
  function isConfirmed({ key, missing, declaration }: InventoryRecord): boolean {
    if (missing === undefined) return false
    const whole = wholeKeyOf(declaration)
    return [key, ...(whole === undefined ? [] : [whole])].some(
      (each) => inventory.orders(each).removal?.sinceMs === missing.sinceMs,
    )
  }

  return {
    declaration: (key) => owners.get(key),
    declarations: () => owners,
    find: (field, value) => index.find(field, value).flatMap((key) => owners.get(key) ?? []),
    dependents: (key) => findDependents(key, owners.get(key), index),
    absence: (key) => absences.get(key),
    refusals: () => refusals,
    async update(declarations, reading, orderedEnds = []) {
      // A deleted object still owns its identity until its end is done.
      const written = orderedEnds.map((end) => ({
        end,
        declarations: end.declaration === undefined ? [] : expandPerAlloc(end.declaration),
      }))
      const all = [...declarations, ...written.flatMap((each) => each.declarations)]
      const namesOf = (each: Declaration) => tokensOf(each, inventory.get(keyOf(each)), region)
      const opened = settled.open(all, reading, openRecords.takeChanged(), namesOf)
      for (const key of opened.keys) if (inventory.get(key) !== undefined) openRecords.open(key)
      let claims = opened.declarations.flatMap(expandPerAlloc)
      const claimed = new Map(claims.map((each) => [keyOf(each), each]))
      const ofObjects = orderedEnds.flatMap(({ place }) =>
        place.object === undefined ? [] : inventory.find('object', place.object.uid).map(({ key }) => key),
      )
      const records = new Map(
        [...openRecords.keys(), ...claimed.keys(), ...ofObjects].flatMap((key) => {
          const record = inventory.get(key)
          return record === undefined ? [] : [[key, record] as const]
        }),
      )
      const doubtedFiles = createDoubtedFiles(reading)
      const { unclaimed, confirmed, unclear, unclearThere, mayBeIn } = judgeUnclaimed(
        records,
        claimed,
        reading,
        {
          ...prune,
          isConfirmed,
          findDoubted: doubtedFiles.find,
          findCameInDoubt: cameInDoubt.next(reading),
        },
      )
      const countMissing = (record: InventoryRecord, proof: Proof) =>
        withFiles(count.next(record, reading, proof), mayBeIn.get(record.key))
      const proofOf = (record: InventoryRecord): Proof => {
        const isAbsent = isOfFile(record) || scaledAway.has(record.key)
        if (!isAbsent || unclearThere.has(record.key) || ownership.held.has(record.key)) return 'unclear'
        return unclear.has(record.key) ? 'seen' : 'removed'
      }
      const keptBefore = unclaimed.filter((record) => unclearThere.has(record.key) && isKept(record, reading))
      const sharing = settled.openSharing(
        all,
        keptBefore.flatMap(({ declaration }) => namesOf(declaration)),
      )
      if (sharing.keys.length > 0) claims = sharing.declarations.flatMap(expandPerAlloc)
      for (const key of sharing.keys) {
        const record = inventory.get(key)
        if (record !== undefined) records.set(key, record)
        openRecords.open(key)
      }
      const claimsByKey = Map.groupBy(claims, keyOf)
      const ownership = planOwnership(
        claims,
        records,
        region,
        allowedIDs,
        keptBefore.map(({ declaration }) => declaration),
        inventory.list,
      )
      const ends = endsByKey(written, ownership.owners, [...records.values()])
      const declared = new Map([...ownership.owners].filter(([key]) => !ends.has(key)))
      // No source declares a schedule's snapshots: retention ends them.
      const absent = [...records.values()].filter(
        (record) => !declared.has(record.key) && !isOfSchedule(record, ends.get(record.key)),
      )
      const scaledAway = planScaledAway(absent, declared)
      const asTheyEnd = absent.map((record) => {
        const missing = countMissing(record, proofOf(record))
        return {
          ...endingAs(record, scaledAway.get(record.key)),
          ...(missing === undefined ? {} : { missing }),
        }
      })
      const planned = planAbsences(asTheyEnd, openRecords.managedCount(), reading, prune, {
        ends,
        ordered: new Set(scaledAway.keys()),
        unclear,
        confirmed,
      })
      const kept = keptBefore.filter(({ key }) => declared.has(key))
      const nextAbsences = new Map(
        [...planned].map(([key, absence]): [Key, Absence] => [
          key,
          heldBy(ownership.held.get(key)) ?? steady(absence, absences.get(key)),
        ]),
      )
      for (const record of kept) {
        const doubt = unclearThere.get(record.key)
        if (doubt !== undefined) nextAbsences.set(record.key, planUnclear(record, doubt, reading))
      }
      const keys = new Set([
        ...undecided,
        ...opened.keys,
        ...sharing.keys,
        ...declared.keys(),
        ...absences.keys(),
        ...nextAbsences.keys(),
      ])
      const changed = [...keys].filter(
        (key) =>
          !isSameDeclaration(owners.get(key), declared.get(key)) ||
          !isDeepStrictEqual(absences.get(key), nextAbsences.get(key)),
      )
      for (const key of changed) index.replace(owners.get(key), declared.get(key))
      const previous = new Map<Key, Declaration>()
      for (const key of keys) {
        const [before, after] = [owners.get(key), declared.get(key)]
        if (before !== undefined) previous.set(key, before)
        if (after !== undefined) owners.set(key, after)
        else if (owners.delete(key)) {
          inventory.undeclare(key)
          sightings.delete(key)
        }
      }
      absences = nextAbsences
      refusals = ownership.refusals
      const writes = new Map<Key, Declared>()
      for (const [key, declaration] of ownership.owners) {
        if (!claimsByKey.has(key)) continue
        const record = records.get(key)
        const sighting = doubtedFiles.withDoubted(sightingOf(declaration, reading), record, declaration)
        if (sighting !== undefined) sightings.set(key, sighting)
        const isNews =
          record === undefined ? previous.get(key) !== declaration : isNewer(record, declaration, sighting)
        if (isNews && (record !== undefined || declared.has(key))) {
          writes.set(key, { key, declaration, ...(sighting === undefined ? {} : { sighting }) })
        }
        count.forget(key)
        const isAlone = claimsByKey.get(key)?.length === 1 && wholeKeyOf(declaration) === undefined
        const isClear = declared.has(key) && !nextAbsences.has(key) && !ownership.held.has(key)
        if (record !== undefined && !isNews && isAlone && isClear && !isSpecial(record)) {
          settled.settle(declaration, reading, ownership.tokens.get(key) ?? [])
          if (settled.has(key)) openRecords.close(key)
        }
      }
      undecided = new Set([...declared.keys()].filter((key) => !settled.has(key)))
      for (const record of [
        ...asTheyEnd,
        ...kept.map((each) => ({ ...each, missing: countMissing(each, 'unclear') })),
      ]) {
        const { key, missing } = record
        const before = records.get(key)
        if (before === undefined || before.schedule !== undefined) continue
        const latest = writes.get(key)?.declaration ?? scaledAway.get(key) ?? before.declaration
        if (count.isStored(before.missing, missing) && isSameDeclaration(latest, before.declaration)) continue
        writes.set(key, {
          key,
          declaration: latest,
          ...(before.sighting === undefined ? {} : { sighting: before.sighting }),
          ...(missing === undefined ? {} : { missing }),
        })
      }
      await Promise.all([...writes.values()].map((each) => inventory.declare(each)))
      cameInDoubt.stored()
      const untils = [...nextAbsences.values()].flatMap((absence) =>
        absence.state === 'ending' || absence.untilMs === undefined ? [] : [absence.untilMs],
      )
      const readAgainAtMs =
        untils.length === 0 ? undefined : Math.min(...untils) - reading.atMs + reading.monotonicMs
      return { changed, readAgainAtMs }
    },
  }
}

/** Whether more of a record decides than what its declaration says and where it stands. */
function isSpecial({ schedule, sighting }: InventoryRecord): boolean {
  return schedule !== undefined || sighting?.doubted !== undefined
}

/** The end of a delay is computed anew at each reading. A difference of the clocks alone is no news. */
function steady(absence: Absence, before: Absence | undefined): Absence {
  const isSame =
    absence.state === 'missing' &&
    before?.state === 'missing' &&
    Math.abs(absence.untilMs - before.untilMs) < 1_000
  return isSame ? before : absence
}

/** @param files where it may stand now */
function withFiles(missing: Missing | undefined, files: readonly string[] | undefined): Missing | undefined {
  if (missing === undefined) return undefined
  const { mayBeIn: _, ...counted } = missing
  return { ...counted, ...(files === undefined ? {} : { mayBeIn: files }) }
}

/** Whether a schedule made it, and no person ends it by deleting the Kubernetes object that shows it. */
function isOfSchedule(record: InventoryRecord, end: OrderedEnd | undefined): boolean {
  if (record.kind !== 'Snapshot' || record.schedule === undefined) return false
  const { objectUID, isExpired } = record.schedule
  return isExpired || objectUID === undefined || end?.place.object?.uid !== objectUID
}

/** The ordered ends of declarations that own an identity. Other ends have nothing to do. */
function endsByKey(
  ends: readonly { readonly end: OrderedEnd; readonly declarations: readonly Declaration[] }[],
  owners: ReadonlyMap<Key, Declaration>,
  records: readonly InventoryRecord[],
): ReadonlyMap<Key, OrderedEnd> {
  return new Map(
    ends.flatMap(({ end, declarations }): [Key, OrderedEnd][] => {
      const { file, object } = end.place
      const managed = records.filter(
        ({ declaration: { place } }) => place.file === file && place.object?.uid === object?.uid,
      )
      if (end.declaration === undefined) return managed.map(({ key }) => [key, end])
      const own = declarations.filter((declaration) => owners.get(keyOf(declaration)) === declaration)
      return [
        ...own.map((declaration): [Key, OrderedEnd] => [keyOf(declaration), { ...end, declaration }]),
        ...leftOutOf(declarations, managed).map((declaration): [Key, OrderedEnd] => [
          keyOf(declaration),
          { ...end, declaration },
        ]),
      ]
    }),
  )
}

/** Managed instances that the declaration's last perAlloc.count excludes. */
function leftOutOf(
  [first]: readonly Declaration[],
  managed: readonly InventoryRecord[],
): VolumeDeclaration[] {
  return first?.kind === 'Volume' ? managed.flatMap((record) => leftOutBy(first, record) ?? []) : []
}

function heldBy(refusal: Pick<Refusal, 'reason' | 'message'> | undefined): Absence | undefined {
  return refusal === undefined ? undefined : { state: 'held', ...refusal }
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

/** @param scaled the declaration by which a volume ends that a lowered count excludes */
function endingAs(record: InventoryRecord, scaled: VolumeDeclaration | undefined): InventoryRecord {
  const isToEnd = scaled !== undefined && record.kind === 'Volume' && record.end === undefined
  return isToEnd ? { ...record, declaration: scaled } : record
}

/** Ignores the commit: a push that does not change a declaration makes no work. */
function isSameDeclaration(one: Declaration | undefined, other: Declaration | undefined): boolean {
  if (one === undefined || other === undefined || one === other) return one === other
  const { commit: oneCommit, ...onePlace } = one.place
  const { commit: otherCommit, ...otherPlace } = other.place
  return isDeepStrictEqual({ ...one, place: onePlace }, { ...other, place: otherPlace })
}
