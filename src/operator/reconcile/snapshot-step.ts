import type { Snapshot } from '../../wire/snapshot.ts'
import type { SnapshotRecord } from '../plan/record.ts'
import type { ReconcileContext } from './context.ts'

/** The declared volume that a snapshot is of, or why there is none to take it of yet. */
export type SnapshotVolume =
  | {
      readonly state: 'ready'
      readonly volumeID: string
      readonly externalID: string
      readonly pluginID: string
    }
  | { readonly state: 'waiting'; readonly reason: string; readonly message: string }

/** What the steps of a snapshot work with. */
export interface SnapshotStepInput {
  readonly context: ReconcileContext
  readonly record: SnapshotRecord
  readonly volume: SnapshotVolume
  readonly snapshots: ReadonlyMap<string, Snapshot> | 'unknown'
  readonly secretValues: Readonly<Record<string, string>>
  readonly signal: AbortSignal
}
