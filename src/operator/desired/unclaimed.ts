import { filterInSlices, type Slices } from '../../lib/slices.ts'
import type { Declaration } from '../declare/declaration.ts'
import type { Key } from '../plan/identity.ts'
import { planScaledAway } from '../plan/per-alloc.ts'
import type { InventoryRecord, Sighting } from '../plan/record.ts'
import type { Reading } from './absence.ts'
import type { PerhapsThere } from './came-in-doubt.ts'
import { fingerprintsOf } from './evidence.ts'
import { fileEvidence, findDoubt, findElsewhere, judgeRemoval, type Unclear } from './judge-removal.ts'

/** The managed identities that no file declares now. */
export interface Unclaimed {
  readonly unclaimed: readonly InventoryRecord[]
  /** Their removal is confirmed by a person. */
  readonly confirmed: ReadonlySet<Key>
  /** Their removal is in doubt. */
  readonly unclear: ReadonlyMap<Key, Unclear>
  /** It is in doubt because of the place where they were declared. They stay in force. */
  readonly unclearThere: ReadonlyMap<Key, Unclear>
  /** Files that came in doubt while they went. */
  readonly mayBeIn: ReadonlyMap<Key, PerhapsThere['files']>
}

/** Judges for each managed identity that no file declares whether a person removed it. @param claimed what is declared */
export function* judgeUnclaimed(
  records: ReadonlyMap<Key, InventoryRecord>,
  claimed: ReadonlyMap<Key, Declaration>,
  reading: Reading,
  options: {
    readonly allowEmpty: boolean
    readonly isConfirmed: (record: InventoryRecord) => boolean
    readonly findDoubted: (record: InventoryRecord) => Unclear | undefined
    readonly findCameInDoubt: (
      absent: InventoryRecord & { readonly hasGone: boolean },
    ) => PerhapsThere | undefined
  },
): Slices<Unclaimed> {
  const unclaimed = yield* filterInSlices(
    records.values(),
    (record) => !claimed.has(record.key) && isOfFile(record),
  )
  const confirmed = new Set(unclaimed.filter(options.isConfirmed).map(({ key }) => key))
  const scaledAway = planScaledAway(unclaimed, claimed)
  const unclearThere = new Map<Key, Unclear>()
  const unclear = new Map<Key, Unclear>()
  const mayBeIn = new Map<Key, PerhapsThere['files']>()
  for (const record of unclaimed) {
    yield
    const { key, declaration } = record
    if (confirmed.has(key)) continue
    // A lowered count is seen in the declaration that is still there.
    const there = scaledAway.has(key)
      ? findDoubt(declaration, reading)
      : judgeRemoval(record, reading, options)
    const came = scaledAway.has(key)
      ? undefined
      : options.findCameInDoubt({ ...record, hasGone: there === undefined })
    if (came !== undefined) mayBeIn.set(key, came.files)
    const doubt = there ?? findElsewhere(declaration, reading) ?? options.findDoubted(record) ?? came?.unclear
    if (there !== undefined) unclearThere.set(key, there)
    if (doubt !== undefined) unclear.set(key, doubt)
  }
  return { unclaimed, confirmed, unclear, unclearThere, mayBeIn }
}

/** Whether files decide about it: no schedule made it, and no Kubernetes object declares it. */
export function isOfFile({ declaration, schedule }: InventoryRecord): boolean {
  return schedule === undefined && declaration.place.object === undefined
}

/** Whether a declaration whose removal is in doubt stays in force. What began to end, or was seen removed before, does not. */
export function isKept(record: InventoryRecord, reading: Reading): boolean {
  const hasEnd = record.kind === 'Volume' && record.end !== undefined
  return !hasEnd && !record.missing?.isSeen && reading.sources.has(record.declaration.place.source)
}

/** What surrounds the declaration now; undefined if nothing has to be remembered. */
export function sightingOf(declaration: Declaration, { sources }: Reading): Sighting | undefined {
  const evidence = fileEvidence(declaration, sources)
  if (evidence === undefined) return undefined
  const others = fingerprintsOf(evidence.others)
  const { folder } = evidence
  return folder === undefined && others === undefined
    ? undefined
    : { ...(folder === undefined ? {} : { folder }), ...(others === undefined ? {} : { others }) }
}
