import type { HostVolumeDefinition, HostVolumeRecord } from '../state/records.ts'

/** What a plugin made. */
export interface MadeHostVolume {
  readonly hostPath: string
  /** 0: it has no size of its own. */
  readonly capacityBytes: number | bigint
}

/** Makes and deletes host volumes on this machine. Both calls may be repeated. */
export interface HostVolumePlugin {
  /** Makes the volume, or changes the one that is there. @throws ApiError 422, 504 */
  create(id: string, definition: HostVolumeDefinition): Promise<MadeHostVolume>
  /** Deletes the volume with its data. @throws ApiError 422, 504 */
  delete(volume: HostVolumeRecord): Promise<void>
  /** Removes what an interrupted create or delete left. */
  sweep?(): Promise<void>
}

export interface HostVolumeFolders {
  /** Beneath it, each volume gets a folder that has its ID for a name. */
  readonly volumes: string
  /** Its executables are plugins, each with its file name for an ID. */
  readonly plugins: string
}
