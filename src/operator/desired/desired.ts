import { isDeepStrictEqual } from 'node:util'
import type { AllowedIDs } from '../declare/allowed-ids.ts'
import type { Declaration, VolumeDeclaration } from '../declare/declaration.ts'
import { type Key, keyOf } from '../plan/identity.ts'
import { expandPerAlloc, leftOutBy, planScaledAway } from '../plan/per-alloc.ts'
import type { DeclaredStore, RecordReads } from '../plan/ports.ts'
import type { Declared, InventoryRecord } from '../plan/record.ts'
import type { Absence, Reading } from './absence.ts'
import type { OrderedEnd } from './object-ends.ts'
import { planOwnership, type Refusal } from './ownership.ts'
import { type PruneOptions, planAbsences } from './prune.ts'

/** The declarations now in force, and the fate of managed identities whose declaration was removed. */
export interface Desired {
  declaration(key: Key): Declaration | undefined
  declarations(): ReadonlyMap<Key, Declaration>
  /** For a managed identity that is not declared. */
  absence(key: Key): Absence | undefined
  refusals(): readonly Refusal[]
}

export interface DesiredUpdate {
  /** Identities whose declaration or absence changed. */
  readonly changed: readonly Key[]
  /** When to read the sources again to decide a pending end, in milliseconds since the epoch. */
  readonly readAgainAtMs: number | undefined
}

/** Holds the desired state between readings. The inventory stores since when a declaration is missing, for a restart. */
export function createDesired(options: {
  readonly inventory: RecordReads & DeclaredStore
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
  let owners: ReadonlyMap<Key, Declaration> = new Map()
  let absences: ReadonlyMap<Key, Absence> = new Map()
  let refusals: readonly Refusal[] = []

  // A declaration that came back during its end is managed again once the end is done.
  inventory.onChange((key, record) => {
    const declaration = record === undefined ? owners.get(key) : undefined
    if (declaration !== undefined) void inventory.declare({ key, declaration })
  })

  return {
    declaration: (key) => owners.get(key),
    declarations: () => owners,
    absence: (key) => absences.get(key),
    refusals: () => refusals,
    async update(declarations, reading, orderedEnds = []) {
      const records = new Map(inventory.list().map((record) => [record.key, record]))
      // A deleted object still owns its identity until its end is done.
      const written = orderedEnds.map((end) => ({
        end,
        declarations: end.declaration === undefined ? [] : expandPerAlloc(end.declaration),
      }))
      const claims = [...declarations, ...written.flatMap((each) => each.declarations)]
      const ownership = planOwnership(claims, records, region, allowedIDs)
      const ends = endsByKey(written, ownership.owners, [...records.values()])
      const declared = new Map([...ownership.owners].filter(([key]) => !ends.has(key)))
      // No source declares a schedule's snapshots: retention ends them.
      const absent = [...records.values()].filter(
        (record) => !declared.has(record.key) && !isOfSchedule(record, ends.get(record.key)),
      )
      const scaledAway = planScaledAway(absent, declared)
      const asTheyEnd = absent.map((record) => endingAs(record, scaledAway.get(record.key)))
      const planned = planAbsences(asTheyEnd, records.size, reading, prune, ends, new Set(scaledAway.keys()))
      const nextAbsences = new Map(
        [...planned].map(([key, absence]): [Key, Absence] => [
          key,
          heldBy(ownership.held.get(key)) ?? absence,
        ]),
      )
      const keys = new Set([...owners.keys(), ...declared.keys(), ...absences.keys(), ...nextAbsences.keys()])
      const changed = [...keys].filter(
        (key) =>
          !isSameDeclaration(owners.get(key), declared.get(key)) ||
          !isDeepStrictEqual(absences.get(key), nextAbsences.get(key)),
      )
      const previous = owners
      owners = declared
      absences = nextAbsences
      refusals = ownership.refusals
      for (const key of previous.keys()) if (!declared.has(key)) inventory.undeclare(key)
      const writes = new Map<Key, Declared>()
      for (const [key, declaration] of ownership.owners) {
        const record = records.get(key)
        const isNews = record === undefined ? previous.get(key) !== declaration : isNewer(record, declaration)
        if (isNews && (record !== undefined || declared.has(key))) writes.set(key, { key, declaration })
      }
      for (const { key, declaration, missingSinceMs: before, schedule } of absent) {
        if (schedule !== undefined) continue
        const absence = nextAbsences.get(key)
        const after = sinceOf(absence) ?? (isEnding(absence) ? before : undefined)
        const latest = writes.get(key)?.declaration ?? scaledAway.get(key) ?? declaration
        if (before === after && isSameDeclaration(latest, declaration)) continue
        writes.set(key, {
          key,
          declaration: latest,
          ...(after === undefined ? {} : { missingSinceMs: after }),
        })
      }
      await Promise.all([...writes.values()].map((each) => inventory.declare(each)))
      const untils = [...nextAbsences.values()].flatMap((absence) =>
        absence.state === 'ending' || absence.untilMs === undefined ? [] : [absence.untilMs],
      )
      return { changed, readAgainAtMs: untils.length === 0 ? undefined : Math.min(...untils) }
    },
  }
}

/** Whether a schedule made it, and nobody deleted the Kubernetes object that shows it. */
function isOfSchedule(record: InventoryRecord, end: OrderedEnd | undefined): boolean {
  if (record.kind !== 'Snapshot' || record.schedule === undefined) return false
  const { objectUID } = record.schedule
  return objectUID === undefined || end?.place.object?.uid !== objectUID
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

/** Whether the record needs the owner's current declaration. */
function isNewer(record: InventoryRecord, declaration: Declaration): boolean {
  if (record.schedule !== undefined) return false
  return record.missingSinceMs !== undefined || !isSameDeclaration(record.declaration, declaration)
}

/** @param scaled the declaration by which a volume ends that a lowered count excludes */
function endingAs(record: InventoryRecord, scaled: VolumeDeclaration | undefined): InventoryRecord {
  const isToEnd = scaled !== undefined && record.kind === 'Volume' && record.end === undefined
  return isToEnd ? { ...record, declaration: scaled } : record
}

function sinceOf(absence: Absence | undefined): number | undefined {
  return absence === undefined || absence.state === 'ending' ? undefined : absence.sinceMs
}

function isEnding(absence: Absence | undefined): boolean {
  return absence?.state === 'ending'
}

/** Ignores the commit: a push that does not change a declaration makes no work. */
function isSameDeclaration(one: Declaration | undefined, other: Declaration | undefined): boolean {
  if (one === undefined || other === undefined || one === other) return one === other
  const { commit: oneCommit, ...onePlace } = one.place
  const { commit: otherCommit, ...otherPlace } = other.place
  return isDeepStrictEqual({ ...one, place: onePlace }, { ...other, place: otherPlace })
}
