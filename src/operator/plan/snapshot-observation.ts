import type { Plugin } from '../../wire/plugin.ts'
import type { Snapshot } from '../../wire/snapshot.ts'
import type { Obstacle } from './status.ts'

/** What a pass over a declared snapshot read. */
export interface SnapshotObservation {
  /** The volume to take the snapshot of, or why it cannot be taken yet. */
  readonly volume:
    | { readonly state: 'ready'; readonly externalID: string; readonly pluginID: string }
    | Obstacle
  readonly plugin: Plugin | undefined
  /** Every snapshot that the plugin lists, by ID; `unknown` if it was not asked or cannot list. */
  readonly snapshots: ReadonlyMap<string, Snapshot> | 'unknown'
  readonly callsEndedBeforeMs: number | undefined
  /** Set if the declaration names a snapshot to adopt that is not recorded yet. */
  readonly adoption?: AdoptionObservation
}

/** What decides whether a snapshot that is already there becomes a declaration's. */
export interface AdoptionObservation {
  /** The volume's external IDs: the present one, and those that it had before. */
  readonly volumeIDs: readonly string[]
  /** What has the snapshot already, as people name it. */
  readonly takenBy: string | undefined
  /** Snapshots of the volume whose create was sent and has no known outcome: the one to adopt may be theirs. */
  readonly unsettled: readonly string[]
  /** Why the declaration may not name the ID; undefined: it may. */
  readonly foreignID: string | undefined
}
