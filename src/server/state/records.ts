import type { Int64 } from '../../lib/json.ts'
import type { HostAccessMode, HostVolumeConstraint, HostVolumeState } from '../../wire/host-volume.ts'
import type { NamespaceJobSettings } from '../../wire/namespace.ts'
import type { ControllerInfo, NodeInfo } from '../../wire/plugin.ts'
import type { AccessMode, AttachmentMode } from '../../wire/volume.ts'

export type StringMap = Readonly<Record<string, string>>

export interface NamespaceRecord {
  readonly name: string
  readonly description: string
  readonly meta: StringMap
  /** Stored and shown, but without effect, because no jobs run here. Absent: none are set. */
  readonly jobSettings?: NamespaceJobSettings
  readonly createIndex: number
  readonly modifyIndex: number
}

export interface CapabilityRecord {
  readonly accessMode: AccessMode
  readonly attachmentMode: AttachmentMode
}

export interface TopologyRequestRecord {
  readonly required: readonly StringMap[]
  readonly preferred: readonly StringMap[]
}

export interface MountOptionsRecord {
  readonly fsType: string
  readonly mountFlags: readonly string[]
}

/** A volume as a client defines it, with every default filled in. Capacities in bytes. 0: the client gave none. */
export interface VolumeDefinition {
  readonly namespace: string
  readonly id: string
  readonly name: string
  readonly externalID: string
  readonly pluginID: string
  readonly cloneID: string
  readonly snapshotID: string
  readonly requestedCapabilities: readonly CapabilityRecord[]
  readonly requestedCapacityMin: Int64
  readonly requestedCapacityMax: Int64
  readonly requestedTopologies: TopologyRequestRecord
  readonly mountOptions: MountOptionsRecord
  readonly parameters: StringMap
  readonly context: StringMap
  readonly secrets: StringMap
}

export interface VolumeRecord extends VolumeDefinition {
  /** Bytes as the plugin answered; 0: never asked. */
  readonly capacity: Int64
  /** Where the volume can be reached, as segments. */
  readonly topologies: readonly StringMap[]
  /** When the plugin last had no room for it, in Unix milliseconds; 0: never. */
  readonly resourceExhaustedMs: number
  readonly createIndex: number
  readonly modifyIndex: number
  readonly createTimeMs: number
  readonly modifyTimeMs: number
}

/** A create that has begun. Its outcome is not stored yet. */
export interface CreateIntent {
  readonly definition: VolumeDefinition
  readonly startedMs: number
}

/** A delete that has begun. Its outcome is not stored yet. */
export interface DeleteIntent {
  readonly namespace: string
  readonly id: string
  /** The secrets that the client sent with its request. */
  readonly secrets: StringMap
  readonly startedMs: number
}

/** What a client asks for of a dynamic host volume, with every default filled in. Capacities in bytes. */
export interface HostVolumeDefinition {
  readonly namespace: string
  readonly name: string
  /** `''`: it was registered, and no plugin is called for it. */
  readonly pluginID: string
  readonly nodePool: string
  readonly nodeID: string
  readonly constraints: readonly HostVolumeConstraint[]
  readonly requestedCapacityMinBytes: Int64
  readonly requestedCapacityMaxBytes: Int64
  readonly requestedCapabilities: readonly HostCapabilityRecord[]
  readonly parameters: StringMap
}

export interface HostCapabilityRecord {
  readonly accessMode: HostAccessMode
  readonly attachmentMode: AttachmentMode
}

export interface HostVolumeRecord extends HostVolumeDefinition {
  /** A UUID that the server gave. */
  readonly id: string
  readonly capacityBytes: Int64
  /** The volume's folder on its node. */
  readonly hostPath: string
  readonly state: HostVolumeState
  readonly createIndex: number
  readonly modifyIndex: number
  readonly createTimeMs: number
  readonly modifyTimeMs: number
}

/** A create or an update of a host volume that has begun. Its outcome is not stored yet. */
export interface HostCreateIntent {
  readonly id: string
  readonly definition: HostVolumeDefinition
}

/** The digest of what a plugin listed last. A change of it moves the table's index. */
export interface StorageDigest {
  /** `external/PLUGIN` or `snapshots/PLUGIN`. */
  readonly key: string
  readonly digest: string
  readonly modifyIndex: number
}

/** The last fingerprint of a plugin. */
export interface PluginRecord {
  readonly id: string
  readonly healthy: boolean
  /** Why the plugin is not healthy. `''`: it is healthy. */
  readonly healthDescription: string
  /** The name that the plugin gives itself. `''`: it was never fingerprinted. */
  readonly provider: string
  readonly providerVersion: string
  readonly requiresTopologies: boolean
  /** undefined: the plugin has no controller service, or was never fingerprinted. */
  readonly controller: ControllerInfo | undefined
  /** undefined: the plugin has no node service, or was never fingerprinted. */
  readonly node: NodeInfo | undefined
  readonly createIndex: number
  readonly modifyIndex: number
  readonly createTimeMs: number
  readonly modifyTimeMs: number
}

export type ClaimMode = 'read' | 'write'

/** The status of an allocation, as Nomad has it. After `complete`, `failed` and `lost` it never changes. */
export type ClientStatus = 'pending' | 'running' | 'complete' | 'failed' | 'lost'

/**
 * How far a claim may have come, in this order. On the way up, the phase is stored before the call that reaches it; on
 * release, after the call that undoes it.
 */
export const claimPhases = ['taken', 'attaching', 'staging', 'publishing', 'published'] as const
export type ClaimPhase = (typeof claimPhases)[number]

/** An allocation's hold on a volume. */
export interface ClaimRecord {
  /** ID of the allocation. */
  readonly id: string
  readonly namespace: string
  readonly volumeID: string
  readonly nodeID: string
  readonly mode: ClaimMode
  readonly clientStatus: ClientStatus
  /** Why the claim is in this status; may be empty. */
  readonly clientDescription: string
  readonly phase: ClaimPhase
  readonly targetPath: string
  /** `''`: the plugin does not stage. */
  readonly stagingPath: string
  readonly accessMode: AccessMode
  readonly attachmentMode: AttachmentMode
  readonly createIndex: number
  readonly modifyIndex: number
  readonly createTimeMs: number
  readonly modifyTimeMs: number
}

/** Whether the claim's allocation has not ended. */
export const isLive = ({ clientStatus }: ClaimRecord) =>
  clientStatus === 'pending' || clientStatus === 'running'

/** Key of a volume's rows. A namespace's name holds no slash. */
export const volumeKey = (namespace: string, id: string) => `${namespace}/${id}`

export type Handle = Pick<VolumeDefinition, 'pluginID' | 'externalID'>

/** Names the target of a call without a volume context: a plugin, and an external ID of it. */
export const handleOf = ({ pluginID, externalID }: Handle) => JSON.stringify([pluginID, externalID])
