import { advise } from '../../lib/reasons/explanation.ts'
import { type Reason, reasons } from '../../lib/reasons/reasons.ts'
import type { Declaration, Place } from '../declare/declaration.ts'
import type { InventoryRecord } from '../plan/record.ts'
import type { Absence, Reading } from './absence.ts'

/** Annotations by which people order something from Mooring. */
export const annotations = {
  /**
   * `<metadata.deletionTimestamp>` on a deleted object: delete the volume or snapshot, although Mooring suspects a mistake.
   * Any other value confirms nothing. So one that stands in a manifest covers no later deletion.
   */
  confirmDelete: 'mooring.dev/confirm-delete',
  /** `retain` on a deleted object: remove the object and keep the volume or snapshot. */
  release: 'mooring.dev/release',
  /** Any new value: run a pass now. */
  reconcileAt: 'mooring.dev/reconcile-at',
  /** `<Snapshot>@<current external ID>` on a Volume: replace that external volume with one made from the snapshot. */
  restoreFrom: 'mooring.dev/restore-from',
  /** `<lost external ID>` on a Volume that has vanished: create a new, blank one. */
  recreate: 'mooring.dev/recreate',
  /**
   * `<node ID>@<allocation IDs>` on a Volume: a person confirms that nothing of these on the node writes any more. Without
   * allocations: that nothing does, and no allocation claims the volume there.
   */
  nodeIsDead: 'mooring.dev/node-is-dead',
  /** Any new value on a SnapshotSchedule: take snapshots now. */
  snapshotNow: 'mooring.dev/snapshot-now',
  /** Any new value on a SnapshotSchedule that is Stalled with ClockLeapt: the date is right. */
  trustClock: 'mooring.dev/trust-clock',
  /** On a Snapshot that a schedule made. `true`: no retention rule deletes it. `false`: revokes that. */
  keep: 'mooring.dev/keep',
} as const

/** An end that a person ordered by deleting a Kubernetes object. It needs neither --prune nor --prune-delay. */
export interface OrderedEnd {
  readonly place: Place
  /** What the object declares; absent if it is invalid. */
  readonly declaration?: Declaration
  /** `metadata.deletionTimestamp`: the value by which a person confirms this deletion, and no other. */
  readonly deletedAt: string
  /** The annotation `mooring.dev/confirm-delete`. */
  readonly confirmation?: string
  /** Whether it has the annotation `mooring.dev/release: retain`. */
  readonly isReleased: boolean
  /** How long before the reading Mooring first saw the deletion. */
  readonly ageMs: number
  /** What is deleted together with the object, such as `namespace "team-a"`. */
  readonly goesWith?: string
}

/** Unconfirmed ends that destroy data, counted against their limit. */
export interface EndCount {
  readonly destructive: number
  readonly limit: number
  /** How long until the count is final. */
  readonly uncountedMs: number
}

/** `kubectl delete` removes objects one by one. If none follows for this long, the count is final. */
const countMs = 1_000

/** How long until the count of these ends is final: `countMs` after the latest of them. */
export function uncountedMs(ends: readonly OrderedEnd[]): number {
  return countMs - Math.min(...ends.map(({ ageMs }) => ageMs))
}

/** Whether a person confirmed this very deletion. */
export function isConfirmed({ confirmation, deletedAt }: OrderedEnd): boolean {
  return confirmation === deletedAt
}

/**
 * Whether it was held because too many ends came at once. It stays so until a person confirms this one, too: to confirm the
 * others must not end it.
 */
export function wasOneOfTooMany({ status }: InventoryRecord): boolean {
  return status.conditions.some(({ type, reason }) => type === 'Ready' && reason === 'TooManyEnds')
}

/** Why the annotation that is there confirms nothing. */
function explainConfirmation({ confirmation }: OrderedEnd): string {
  return confirmation === undefined
    ? ''
    : `Its annotation ${annotations.confirmDelete}=${confirmation} does not confirm this deletion. `
}

/** Whether the end destroys data or takes a volume out of Nomad. */
export function isDestructive({ kind, spec }: Declaration): boolean {
  return kind !== 'SnapshotSchedule' && spec.deletionPolicy !== 'Retain' && !spec.suspend
}

/** Decides for a managed identity whose object is deleted and still held by its finalizer. */
export function planOrderedEnd(
  record: InventoryRecord,
  end: OrderedEnd,
  { destructive, limit, uncountedMs }: EndCount,
  readAtMs: number,
): Absence {
  const { confirm, keep } = reasons.DeleteUnconfirmed.person
  const { confirmDelete, keepObject } = reasons.TooManyEnds.person
  if (end.isReleased) return { state: 'ending', declaration: retained(end.declaration ?? record.declaration) }
  if (end.declaration === undefined) {
    return held(
      'Invalid',
      `its object is deleted but invalid, so nothing is done. ${advise(reasons.Invalid.person.correctObject(), reasons.Invalid.person.keep())}`,
    )
  }
  const ending = { state: 'ending', declaration: end.declaration } as const
  if (!isDestructive(end.declaration) || isConfirmed(end)) return ending
  if (end.goesWith !== undefined) {
    return held(
      'DeleteUnconfirmed',
      `its object is deleted together with ${end.goesWith}. Mooring deletes nothing until you confirm it. ${explainConfirmation(end)}${advise(confirm(end), keep())}`,
    )
  }
  if (uncountedMs > 0) {
    return {
      ...held('CountingEnds', 'its object is deleted; counting how many objects are deleted with it'),
      untilMs: readAtMs + uncountedMs,
    }
  }
  if (destructive > limit || wasOneOfTooMany(record)) {
    const many =
      destructive > limit
        ? `${destructive} objects are deleted at once and --max-prune allows ${limit}`
        : `it was deleted together with more others than --max-prune allows`
    return held(
      'TooManyEnds',
      `${many}, so nothing is deleted. ${explainConfirmation(end)}${advise(confirmDelete(end), keepObject())}`,
    )
  }
  return ending
}

/**
 * Decides for a managed identity whose object no longer exists. Its finalizer would have kept the object if an end had
 * work to do, so the identity is released and its volume or snapshot stays.
 */
export function planGoneObject({ declaration }: InventoryRecord, reading: Reading): Absence {
  const { source, file } = declaration.place
  const evidence = reading.sources.get(source)
  if (evidence === undefined || evidence.doubts.length > 0) {
    return held(
      'SourceUnclear',
      'its object was not found, but some objects could not be read; nothing ends until all can be read',
    )
  }
  if (reading.unusable?.has(file)) {
    return held(
      'Invalid',
      `its object is invalid, so nothing changes. ${advise(reasons.Invalid.person.seeObject())}`,
    )
  }
  return { state: 'ending', declaration: retained(declaration) }
}

function held(reason: Reason, message: string) {
  return { state: 'held', reason, message } as const
}

/** The declaration, ended by Retain. */
export function retained(declaration: Declaration): Declaration {
  switch (declaration.kind) {
    case 'Volume':
      return { ...declaration, spec: { ...declaration.spec, deletionPolicy: 'Retain' } }
    case 'Snapshot':
      return { ...declaration, spec: { ...declaration.spec, deletionPolicy: 'Retain' } }
    case 'HostVolume':
      return { ...declaration, spec: { ...declaration.spec, deletionPolicy: 'Retain' } }
    case 'SnapshotSchedule':
      return declaration
  }
}
