import type { Declaration, Place } from '../declare/declaration.ts'
import type { InventoryRecord } from '../plan/record.ts'
import type { Absence, Reading } from './absence.ts'

/** The annotations by which a person speaks to Mooring through an object. */
export const annotations = {
  /** On an object that is ending: delete although more ends with it than is taken for meant. */
  confirmDelete: 'mooring.dev/confirm-delete',
  /** `retain` on an object that is ending: let it go and leave everything as it is. */
  release: 'mooring.dev/release',
  /** Any new value: a pass now. */
  reconcileAt: 'mooring.dev/reconcile-at',
  /** `<Snapshot>@<current external ID>` on a Volume: a volume with the snapshot's data takes the place of that one. */
  restoreFrom: 'mooring.dev/restore-from',
  /** `<lost external ID>` on a Volume that has vanished: a new one may take its place. */
  recreate: 'mooring.dev/recreate',
  /** A node's ID, or the beginning of it, on a Volume: a person's word that nothing writes there any more. */
  nodeIsDead: 'mooring.dev/node-is-dead',
  /** Any new value on a SnapshotSchedule: a run now. */
  snapshotNow: 'mooring.dev/snapshot-now',
  /** `true` on a Snapshot that a schedule made: no retention rule deletes it; `false` takes that back. */
  keep: 'mooring.dev/keep',
} as const

/**
 * The end of a declaration that a person ordered by deleting its object, which stays until the end is done.
 * It waits for no delay and needs no --prune.
 */
export interface OrderedEnd {
  readonly place: Place
  /** What the object says now; absent where that cannot be used. */
  readonly declaration?: Declaration
  /** It has the annotation `mooring.dev/confirm-delete`. */
  readonly isConfirmed: boolean
  /** It has the annotation `mooring.dev/release: retain`. */
  readonly isReleased: boolean
  /** How long it was seen to be deleted, at the reading. */
  readonly ageMs: number
  /** Set where more than this object is going, such as `namespace "team-a"`. */
  readonly goesWith?: string
}

/** How many ends nobody confirmed there are at once, and how many may be. */
export interface EndCount {
  readonly destructive: number
  readonly limit: number
  /** How long until it is known how many. */
  readonly uncountedMs: number
}

/** Whoever deletes many objects deletes one after the other: when no other followed for so long, that was all. */
const countMs = 1_000

/** How long until no other end has followed the last one of those that have to be counted. */
export function uncountedMs(ends: readonly OrderedEnd[]): number {
  return countMs - Math.min(...ends.map(({ ageMs }) => ageMs))
}

const letGo = `to let it go and leave everything as it is, annotate it ${annotations.release}=retain`

/** Whether the end does away with anything that a person may miss. */
export function isDestructive({ kind, spec }: Declaration): boolean {
  return kind !== 'SnapshotSchedule' && spec.deletionPolicy !== 'Retain' && !spec.suspend
}

/** What becomes of a managed identity whose object a person deleted, and that is still there for it. */
export function planOrderedEnd(
  record: InventoryRecord,
  end: OrderedEnd,
  { destructive, limit, uncountedMs }: EndCount,
  readAtMs: number,
): Absence {
  if (end.isReleased) return { state: 'ending', declaration: retained(end.declaration ?? record.declaration) }
  if (end.declaration === undefined) {
    return held(
      'Invalid',
      `its object is deleted, and what it says cannot be used, so nothing is done: correct it, or ${letGo}`,
    )
  }
  const ending = { state: 'ending', declaration: end.declaration } as const
  if (!isDestructive(end.declaration) || end.isConfirmed) return ending
  if (end.goesWith !== undefined) {
    return held(
      'DeleteUnconfirmed',
      `it goes with ${end.goesWith}, and nothing is deleted in that way unless it is confirmed: annotate it ${annotations.confirmDelete}=true; ${letGo}`,
    )
  }
  if (uncountedMs > 0) {
    return {
      ...held('CountingEnds', 'its object is deleted; waiting to see how many are with it'),
      untilMs: readAtMs + uncountedMs,
    }
  }
  if (destructive > limit) {
    return held(
      'TooManyEnds',
      `${destructive} objects are deleted at once and --max-prune allows ${limit}: annotate those that are meant ${annotations.confirmDelete}=true; ${letGo}`,
    )
  }
  return ending
}

/**
 * What becomes of a managed identity whose object is gone. Its finalizer would have kept it, had there been
 * something to do, so nothing is: it is released.
 */
export function planGoneObject({ declaration }: InventoryRecord, reading: Reading): Absence {
  const { source, file } = declaration.place
  if (!reading.complete || !reading.sources.has(source)) {
    return held(
      'SourceIncomplete',
      'its object is not seen, but not everything could be read: nothing ends until it is',
    )
  }
  if (reading.unusable?.has(file)) {
    return held('Invalid', 'what its object says now cannot be used, so it stays as it is; see its status')
  }
  return { state: 'ending', declaration: retained(declaration) }
}

function held(reason: string, message: string) {
  return { state: 'held', reason, message } as const
}

function retained(declaration: Declaration): Declaration {
  switch (declaration.kind) {
    case 'Volume':
      return { ...declaration, spec: { ...declaration.spec, deletionPolicy: 'Retain' } }
    case 'Snapshot':
      return { ...declaration, spec: { ...declaration.spec, deletionPolicy: 'Retain' } }
    case 'SnapshotSchedule':
      return declaration
  }
}
