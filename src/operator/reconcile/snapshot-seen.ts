import type { Plugin } from '../../wire/plugin.ts'
import type { Snapshot } from '../../wire/snapshot.ts'
import type { Absence } from '../desired/absence.ts'
import type { SnapshotRecord } from '../plan/record.ts'
import type { Step } from './kind.ts'

/** The declared volume that a snapshot is of, or why there is none to take it of yet. */
export type SnapshotVolume =
  | {
      readonly state: 'ready'
      readonly volumeID: string
      readonly externalID: string
      readonly pluginID: string
    }
  | { readonly state: 'waiting'; readonly reason: string; readonly message: string }

/** What a pass over a snapshot found. */
export interface SnapshotSeen {
  /** By what the plan decides: it is declared, it is ending, or it stays as it is for now. */
  readonly by: 'declared' | 'ending' | { readonly held: Absence | undefined }
  readonly volume: SnapshotVolume
  readonly plugin: Plugin | undefined
  readonly snapshots: ReadonlyMap<string, Snapshot> | 'unknown'
  readonly secretValues: Readonly<Record<string, string>>
  /** What needs the snapshot still. */
  readonly dependents: readonly string[]
  readonly settledBeforeMs: number
}

export type SnapshotStep = Step<SnapshotRecord, SnapshotSeen>
