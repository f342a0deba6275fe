import type { Key } from './identity.ts'
import type { SnapshotRecord } from './record.ts'
import type { Verdict } from './status.ts'

/** A declared volume that the schedule selects. */
export interface ScheduledVolume {
  readonly key: Key
  /** metadata.name of its declaration. */
  readonly name: string
  /** Whether it exists, so that a snapshot can be taken. */
  readonly exists: boolean
  /** Since when it has been ready. Absent: it is not. */
  readonly readySinceMs?: number
  /** Why no snapshot may be taken of it; undefined if one may. */
  readonly refusal?: string
}

export interface ScheduleObservation {
  readonly volumes: readonly ScheduledVolume[]
  /** Every snapshot that this schedule made, of all volumes. */
  readonly snapshots: readonly SnapshotRecord[]
  /** Snapshots that are ready to use: their plugin lists them so, or it cannot list and its answer to the create said so. */
  readonly ready: ReadonlySet<Key>
  /** Plugins whose list could not be read now. None of their snapshots counts as ready, and none as gone. */
  readonly silent: ReadonlySet<string>
  /** Snapshots of which this cannot be known, with their plugin. */
  readonly unknown: ReadonlyMap<Key, string>
  /** Snapshots that a person ordered to keep. */
  readonly keptByHand: ReadonlySet<Key>
  /** IDs of the snapshots from which a volume has still to be created or restored. */
  readonly sourcesInUse: ReadonlySet<string>
}

/** One change to the inventory. The snapshot's own passes carry it out. */
export type ScheduleChange =
  | { readonly type: 'start'; readonly volume: ScheduledVolume; readonly tickMs: number }
  | { readonly type: 'miss'; readonly volume: ScheduledVolume; readonly tickMs: number; readonly why: string }
  | { readonly type: 'expire'; readonly snapshot: Key; readonly isTaken: boolean }

export interface ScheduleDecision {
  readonly change?: ScheduleChange
  readonly verdict: Verdict
  readonly againAfterMs: number
  readonly nextRunMs: number | undefined
  /** For each snapshot that stays, the rules that keep it. */
  readonly kept: ReadonlyMap<Key, readonly string[]>
}

/** The volume that a schedule's snapshot is of. */
export function volumeOf(snapshot: SnapshotRecord): Key {
  return snapshot.schedule?.volume ?? ''
}

/** Whether retention still keeps it. */
export function isLive(snapshot: SnapshotRecord): boolean {
  return snapshot.schedule?.isExpired !== true
}

export function hasCondition(snapshot: SnapshotRecord, type: 'Ready' | 'Stalled'): boolean {
  return snapshot.status.conditions.some(
    (condition) => condition.type === type && condition.status === 'True',
  )
}
