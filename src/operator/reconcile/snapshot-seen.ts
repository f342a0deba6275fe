import type { Plugin } from '../../wire/plugin.ts'
import type { Snapshot } from '../../wire/snapshot.ts'
import type { Absence } from '../desired/absence.ts'
import type { SnapshotRecord } from '../plan/record.ts'
import type { AdoptionObservation } from '../plan/snapshot-observation.ts'
import type { Obstacle } from '../plan/status.ts'
import type { Step } from './kind.ts'

/** The volume to take the snapshot of, or why it cannot be taken yet. */
export type SnapshotVolume =
  | {
      readonly state: 'ready'
      readonly volumeID: string
      readonly externalID: string
      readonly pluginID: string
    }
  | Obstacle

/** What a pass over a snapshot read. */
export interface SnapshotSeen {
  /** Which plan applies: declared, ending, or staying as it is. */
  readonly by: 'declared' | 'ending' | { readonly held: Absence | undefined }
  readonly volume: SnapshotVolume
  readonly plugin: Plugin | undefined
  readonly snapshots: ReadonlyMap<string, Snapshot> | 'unknown'
  readonly secretValues: Readonly<Record<string, string>>
  /** Volumes that still need the snapshot. */
  readonly dependents: readonly string[]
  readonly callsEndedBeforeMs: number | undefined
  /** Set if the declaration names a snapshot to adopt that is not recorded yet. */
  readonly adoption?: AdoptionObservation
}

export type SnapshotStep = Step<SnapshotRecord, SnapshotSeen>
