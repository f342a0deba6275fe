import type { Plugin, Room } from '../../wire/plugin.ts'
import type { ExternalVolume, Volume } from '../../wire/volume.ts'
import type { HiddenHashes } from './record.ts'
import type { RestoreObservation } from './restore-plan.ts'
import type { Obstacle } from './status.ts'

/** The source of a volume's content at its create. */
export type SourceObservation =
  | { readonly state: 'ready'; readonly snapshotID?: string; readonly cloneID?: string }
  | Obstacle

/** Everything outside the record that the plan of a volume needs. */
export interface VolumeObservation {
  /** Nomad's volume with the declared ID; undefined: there is none. */
  readonly volume: Volume | undefined
  readonly plugin: Plugin | undefined
  /**
   * The recorded or declared external volume as its plugin lists it; `unlisted` if a fresh and complete list lacks it;
   * `unknown` if the plugin was not asked or cannot list.
   */
  readonly external: ExternalVolume | 'unlisted' | 'unknown'
  readonly source: SourceObservation
  /** Whether Nomad has the namespace. Only read before a create or a register. */
  readonly namespaceExists: boolean
  /** ID of another Nomad volume that has the external volume to register, or the name to create. */
  readonly takenBy: string | undefined
  /** Other volumes with the same external ID and another context. */
  readonly sharers: readonly string[]
  /** The spec is unchanged since Nomad last matched it, so a difference is drift. */
  readonly isSpecUnchanged: boolean
  /** Free capacity of the plugin, if it reports it. */
  readonly room?: Room
  /** A person ordered a new external volume in place of the recorded one. */
  readonly isRecreateOrdered: boolean
  readonly restore: RestoreObservation
  readonly hashes: HiddenHashes
  /** Keyed hash of the update that would correct the differences. */
  readonly updateHash: string | undefined
  /** Calls sent before this time have ended, because their server has restarted since. */
  readonly callsEndedBeforeMs: number | undefined
  /** Set if the declaration names an ID of the plugin that it may not name: why, and what to do. */
  readonly foreignID?: string
}
