import {
  filterInSlices,
  flatMapInSlices,
  forEachInSlices,
  groupInSlices,
  type Slices,
} from '../../lib/slices.ts'
import type { AllowedIDs } from '../declare/allowed-ids.ts'
import type { Declaration, VolumeDeclaration } from '../declare/declaration.ts'
import { type Key, keyOf } from '../plan/identity.ts'
import { expandPerAlloc, leftOutBy, planScaledAway, wholeKeyOf } from '../plan/per-alloc.ts'
import type { OrderStore, RecordReads } from '../plan/ports.ts'
import type { InventoryRecord, Missing } from '../plan/record.ts'
import type { Absence, Reading } from './absence.ts'
import type { createCameInDoubt } from './came-in-doubt.ts'
import { createDoubtedFiles, type DoubtedFiles } from './doubted-files.ts'
import type { createMissingCount, Proof } from './missing-count.ts'
import type { OrderedEnd } from './object-ends.ts'
import type { OpenRecords } from './open-records.ts'
import { type Ownership, planOwnershipInSlices, type Refusal, tokensOf } from './ownership.ts'
import { type PruneOptions, planAbsencesInSlices, planUnclear } from './prune.ts'
import type { RecordSnapshot } from './record-snapshot.ts'
import type { Settled } from './settled.ts'
import { isKept, isOfFile, judgeUnclaimed } from './unclaimed.ts'

/** What a reading decides about everything that is open. */
export interface Decided {
  readonly ownership: Ownership
  /** The owners that do not end. */
  readonly declared: ReadonlyMap<Key, Declaration>
  readonly absences: ReadonlyMap<Key, Absence>
  /** How often each identity is declared. */
  readonly claimsByKey: ReadonlyMap<Key, readonly Declaration[]>
  /** The records that were decided about, as they were. */
  readonly records: ReadonlyMap<Key, InventoryRecord>
  /** Absent ones, each with what to store of its absence and with the declaration by which it ends. */
  readonly absent: readonly (InventoryRecord & { readonly latest?: Declaration })[]
  readonly doubtedFiles: DoubtedFiles
  /** The identities that were settled until now. */
  readonly opened: readonly Key[]
}

/** Decides by a reading. It keeps to the records of the snapshot, because passes go on meanwhile. */
export function* decide(
  {
    inventory,
    snapshot,
    region,
    allowedIDs,
    prune,
    settled,
    openRecords,
    count,
    cameInDoubt,
    absences,
  }: {
    readonly inventory: Pick<RecordReads, 'get' | 'find'> & Pick<OrderStore, 'orders'>
    readonly snapshot: RecordSnapshot
    readonly region: string
    readonly allowedIDs: AllowedIDs | undefined
    readonly prune: PruneOptions
    readonly settled: Settled
    readonly openRecords: OpenRecords
    readonly count: ReturnType<typeof createMissingCount>
    readonly cameInDoubt: ReturnType<typeof createCameInDoubt>
    /** Those of the reading before. */
    readonly absences: ReadonlyMap<Key, Absence>
  },
  declarations: readonly Declaration[],
  reading: Reading,
  orderedEnds: readonly OrderedEnd[],
): Slices<Decided> {
  // All that changes meanwhile is read before the first slice ends.
  const changed = openRecords.takeChanged()
  const managedCount = openRecords.managedCount()
  const openKeys = [...openRecords.keys()]
  const ofObjects = orderedEnds.flatMap(({ place }) =>
    place.object === undefined ? [] : inventory.find('object', place.object.uid).map(({ key }) => key),
  )

  /** Whether a person has confirmed that the declaration was removed on purpose. The order is for this absence alone. */
  function isConfirmed({ key, missing, declaration }: InventoryRecord): boolean {
    if (missing === undefined) return false
    const whole = wholeKeyOf(declaration)
    return [key, ...(whole === undefined ? [] : [whole])].some(
      (each) => inventory.orders(each).removal?.sinceMs === missing.sinceMs,
    )
  }

  // A deleted object still owns its identity until its end is done.
  const written = orderedEnds.map((end) => ({
    end,
    declarations: end.declaration === undefined ? [] : expandPerAlloc(end.declaration),
  }))
  const all = [...declarations, ...written.flatMap((each) => each.declarations)]
  const namesOf = (each: Declaration) => tokensOf(each, snapshot.get(keyOf(each)), region)
  const opened = yield* settled.open(all, reading, changed, namesOf)
  let claims = yield* flatMapInSlices(opened.declarations, expandPerAlloc)
  const claimed = new Map<Key, Declaration>()
  yield* forEachInSlices(claims, (each) => void claimed.set(keyOf(each), each))
  const records = new Map<Key, InventoryRecord>()
  const take = (key: Key) => {
    const record = snapshot.get(key)
    if (record !== undefined) records.set(key, record)
    return record
  }
  for (const keys of [openKeys, opened.keys, claimed.keys(), ofObjects]) yield* forEachInSlices(keys, take)
  for (const key of opened.keys) if (inventory.get(key) !== undefined) openRecords.open(key)

  const doubtedFiles = createDoubtedFiles(reading, prune.allowEmpty)
  const { unclaimed, confirmed, unclear, unclearThere, mayBeIn } = yield* judgeUnclaimed(
    records,
    claimed,
    reading,
    {
      ...prune,
      isConfirmed,
      findDoubted: doubtedFiles.find,
      findCameInDoubt: cameInDoubt.next(reading, doubtedFiles),
    },
  )
  const countMissing = (record: InventoryRecord, proof: Proof) =>
    withFiles(count.next(record, reading, proof), mayBeIn.get(record.key))
  const keptBefore = yield* filterInSlices(
    unclaimed,
    (record) => unclearThere.has(record.key) && isKept(record, reading),
  )
  const sharing = yield* settled.openSharing(
    all,
    keptBefore.flatMap(({ declaration }) => namesOf(declaration)),
  )
  if (sharing.keys.length > 0) claims = yield* flatMapInSlices(sharing.declarations, expandPerAlloc)
  for (const key of sharing.keys) {
    take(key)
    if (inventory.get(key) !== undefined) openRecords.open(key)
  }
  const claimsByKey = yield* groupInSlices(claims, keyOf)
  const ownership = yield* planOwnershipInSlices(
    claims,
    records,
    region,
    allowedIDs,
    keptBefore.map(({ declaration }) => declaration),
    snapshot.list,
  )
  const ends = yield* endsByKey(written, ownership.owners, records)
  const declared = new Map<Key, Declaration>()
  yield* forEachInSlices(ownership.owners, ([key, owner]) => {
    if (!ends.has(key)) declared.set(key, owner)
  })
  // No source declares a schedule's snapshots: retention ends them.
  const absent = yield* filterInSlices(
    records.values(),
    (record) => !declared.has(record.key) && !isOfSchedule(record, ends.get(record.key)),
  )
  const scaledAway = planScaledAway(absent, declared)
  const proofOf = (record: InventoryRecord): Proof => {
    const isAbsent = isOfFile(record) || scaledAway.has(record.key)
    if (!isAbsent || unclearThere.has(record.key) || ownership.held.has(record.key)) return 'unclear'
    return unclear.has(record.key) ? 'seen' : 'removed'
  }
  const asTheyEnd = yield* flatMapInSlices(absent, (record) => {
    const missing = countMissing(record, proofOf(record))
    return [
      {
        ...endingAs(record, scaledAway.get(record.key)),
        ...(missing === undefined ? {} : { missing }),
      },
    ]
  })
  const planned = yield* planAbsencesInSlices(asTheyEnd, managedCount, reading, prune, {
    ends,
    ordered: new Set(scaledAway.keys()),
    unclear,
    confirmed,
  })
  const kept = keptBefore.filter(({ key }) => declared.has(key))
  const nextAbsences = new Map<Key, Absence>()
  yield* forEachInSlices(planned, ([key, absence]) => {
    nextAbsences.set(key, heldBy(ownership.held.get(key)) ?? steady(absence, absences.get(key)))
  })
  yield* forEachInSlices(kept, (record) => {
    const doubt = unclearThere.get(record.key)
    if (doubt !== undefined) nextAbsences.set(record.key, planUnclear(record, doubt, reading))
  })
  const stored = yield* flatMapInSlices(asTheyEnd, (record) => {
    const latest = scaledAway.get(record.key)
    return [latest === undefined ? record : { ...record, latest }]
  })
  const keptWithCount = yield* flatMapInSlices(kept, (each) => {
    const { missing: _, ...record } = each
    const missing = countMissing(each, 'unclear')
    return [missing === undefined ? record : { ...record, missing }]
  })
  return {
    ownership,
    declared,
    absences: nextAbsences,
    claimsByKey,
    records,
    absent: [...stored, ...keptWithCount],
    doubtedFiles,
    opened: [...opened.keys, ...sharing.keys],
  }
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
function withFiles(missing: Missing | undefined, files: Missing['mayBeIn']): Missing | undefined {
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
function* endsByKey(
  ends: readonly { readonly end: OrderedEnd; readonly declarations: readonly Declaration[] }[],
  owners: ReadonlyMap<Key, Declaration>,
  records: ReadonlyMap<Key, InventoryRecord>,
): Slices<ReadonlyMap<Key, OrderedEnd>> {
  const found = new Map<Key, OrderedEnd>()
  if (ends.length === 0) return found
  const token = ({ file, object }: Declaration['place']) => JSON.stringify([file, object?.uid])
  const byPlace = yield* groupInSlices(records.values(), ({ declaration }) => token(declaration.place))
  for (const { end, declarations } of ends) {
    yield
    const managed = byPlace.get(token(end.place)) ?? []
    if (end.declaration === undefined) {
      for (const { key } of managed) found.set(key, end)
      continue
    }
    const own = declarations.filter((declaration) => owners.get(keyOf(declaration)) === declaration)
    for (const declaration of [...own, ...leftOutOf(declarations, managed)])
      found.set(keyOf(declaration), { ...end, declaration })
  }
  return found
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

/** @param scaled the declaration by which a volume ends that a lowered count excludes */
function endingAs(record: InventoryRecord, scaled: VolumeDeclaration | undefined): InventoryRecord {
  const isToEnd = scaled !== undefined && record.kind === 'Volume' && record.end === undefined
  return isToEnd ? { ...record, declaration: scaled } : record
}
