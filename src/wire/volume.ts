import Type from 'typebox'

/**
 * The JSON shapes of Nomad's Volumes HTTP API, from its public page and its source: PascalCase names, capacities in bytes,
 * indexes as 64-bit integers. Integers beyond 2^53 arrive as bigint (lib/json.ts), so every 64-bit field is
 * `number | bigint`.
 */

/** A 64-bit integer. */
export const Int64 = Type.Union([Type.Integer(), Type.BigInt()])
export type Int64 = Type.Static<typeof Int64>

const StringMap = Type.Record(Type.String(), Type.String())
const nullable = <T extends Type.TSchema>(schema: T) => Type.Union([schema, Type.Null()])

export const accessModes = [
  'single-node-reader-only',
  'single-node-writer',
  'multi-node-reader-only',
  'multi-node-single-writer',
  'multi-node-multi-writer',
] as const
export const attachmentModes = ['file-system', 'block-device'] as const
export type AccessMode = (typeof accessModes)[number]
export type AttachmentMode = (typeof attachmentModes)[number]

export const Capability = Type.Object({ AccessMode: Type.String(), AttachmentMode: Type.String() })
export type Capability = Type.Static<typeof Capability>

export const MountOptions = Type.Object({
  FSType: Type.Optional(Type.String()),
  MountFlags: Type.Optional(nullable(Type.Array(Type.String()))),
})
export type MountOptions = Type.Static<typeof MountOptions>

export const Topology = Type.Object({ Segments: nullable(StringMap) })
export type Topology = Type.Static<typeof Topology>

export const TopologyRequest = Type.Object({
  Required: Type.Optional(nullable(Type.Array(nullable(Topology)))),
  Preferred: Type.Optional(nullable(Type.Array(nullable(Topology)))),
})
export type TopologyRequest = Type.Static<typeof TopologyRequest>

/** A volume in a request to Register or Create. */
export const VolumeRequest = Type.Object({
  ID: Type.String(),
  Namespace: Type.Optional(Type.String()),
  Name: Type.Optional(Type.String()),
  ExternalID: Type.Optional(Type.String()),
  PluginID: Type.String(),
  SnapshotID: Type.Optional(Type.String()),
  CloneID: Type.Optional(Type.String()),
  RequestedCapabilities: Type.Optional(nullable(Type.Array(Capability))),
  RequestedCapacityMin: Type.Optional(Int64),
  RequestedCapacityMax: Type.Optional(Int64),
  RequestedTopologies: Type.Optional(nullable(TopologyRequest)),
  MountOptions: Type.Optional(nullable(MountOptions)),
  Secrets: Type.Optional(nullable(StringMap)),
  Parameters: Type.Optional(nullable(StringMap)),
  Context: Type.Optional(nullable(StringMap)),
})
export type VolumeRequest = Type.Static<typeof VolumeRequest>

/** The body of Register and Create. */
export const VolumesRequest = Type.Object({ Volumes: Type.Array(VolumeRequest) })
export type VolumesRequest = Type.Static<typeof VolumesRequest>

/** An allocation that claims a volume, with the fields that every server fills. */
export const AllocationStub = Type.Object({
  ID: Type.String(),
  Name: Type.Optional(Type.String()),
  Namespace: Type.Optional(Type.String()),
  NodeID: Type.String(),
  NodeName: Type.Optional(Type.String()),
  EvalID: Type.Optional(Type.String()),
  JobID: Type.Optional(Type.String()),
  JobType: Type.Optional(Type.String()),
  JobVersion: Type.Optional(Int64),
  TaskGroup: Type.Optional(Type.String()),
  DesiredStatus: Type.Optional(Type.String()),
  DesiredDescription: Type.Optional(Type.String()),
  ClientStatus: Type.String(),
  ClientDescription: Type.Optional(Type.String()),
  TaskStates: Type.Optional(Type.Unknown()),
  CreateIndex: Type.Optional(Int64),
  ModifyIndex: Type.Optional(Int64),
  CreateTime: Type.Optional(Int64),
  ModifyTime: Type.Optional(Int64),
})
export type AllocationStub = Type.Static<typeof AllocationStub>

const health = {
  Schedulable: Type.Boolean(),
  PluginID: Type.String(),
  Provider: Type.String(),
  ControllerRequired: Type.Boolean(),
  ControllersHealthy: Type.Integer(),
  ControllersExpected: Type.Integer(),
  NodesHealthy: Type.Integer(),
  NodesExpected: Type.Integer(),
  /** RFC 3339; null where it has never happened. */
  ResourceExhausted: nullable(Type.String()),
  CreateIndex: Int64,
  ModifyIndex: Int64,
  /** Unix nanoseconds; 0 where the server does not fill it. */
  CreateTime: Type.Optional(Int64),
  ModifyTime: Type.Optional(Int64),
}

const identity = {
  ID: Type.String(),
  Namespace: Type.String(),
  Name: Type.String(),
  ExternalID: Type.String(),
  /** May contain nulls: Nomad makes the slice at full length and then appends. */
  Topologies: Type.Optional(nullable(Type.Array(nullable(Topology)))),
  /** The current mode; `''` while nothing claims the volume. */
  AccessMode: Type.String(),
  AttachmentMode: Type.String(),
}

/** One element of List Volumes. */
export const VolumeStub = Type.Object({
  ...identity,
  CurrentReaders: Type.Optional(Type.Integer()),
  CurrentWriters: Type.Optional(Type.Integer()),
  ...health,
})
export type VolumeStub = Type.Static<typeof VolumeStub>

/** The answer of Read Volume. Secrets are always null, and mount flags that are not empty always `['[REDACTED]']`. */
export const Volume = Type.Object({
  ...identity,
  RequestedCapabilities: nullable(Type.Array(Capability)),
  RequestedCapacityMin: Int64,
  RequestedCapacityMax: Int64,
  RequestedTopologies: Type.Optional(nullable(TopologyRequest)),
  /** Bytes, from the plugin's answer; 0 where unknown. */
  Capacity: Int64,
  CloneID: Type.String(),
  SnapshotID: Type.String(),
  MountOptions: nullable(MountOptions),
  Secrets: Type.Optional(nullable(StringMap)),
  Parameters: nullable(StringMap),
  Context: nullable(StringMap),
  /** Allocation IDs as keys; the values are null. */
  ReadAllocs: nullable(Type.Record(Type.String(), Type.Unknown())),
  WriteAllocs: nullable(Type.Record(Type.String(), Type.Unknown())),
  Allocations: nullable(Type.Array(AllocationStub)),
  ProviderVersion: Type.String(),
  /** The name of ProviderVersion on the public page. Nomad does not send it. */
  Version: Type.Optional(Type.String()),
  ...health,
})
export type Volume = Type.Static<typeof Volume>

/** The answer of Register and Create. Servers before 1.10.5 answer Register with an empty body. */
export const VolumesResponse = Type.Object({
  Volumes: nullable(Type.Array(Volume)),
  Warnings: Type.Optional(Type.String()),
})
export type VolumesResponse = Type.Static<typeof VolumesResponse>

/** One element of List External. */
export const ExternalVolume = Type.Object({
  ExternalID: Type.String(),
  CapacityBytes: Int64,
  VolumeContext: nullable(StringMap),
  CloneID: Type.String(),
  SnapshotID: Type.String(),
  PublishedExternalNodeIDs: nullable(Type.Array(Type.String())),
  IsAbnormal: Type.Boolean(),
  Status: Type.String(),
})
export type ExternalVolume = Type.Static<typeof ExternalVolume>

/** Answer of List External. */
export const ExternalVolumesResponse = Type.Object({
  Volumes: nullable(Type.Array(ExternalVolume)),
  NextToken: Type.Optional(Type.String()),
})
export type ExternalVolumesResponse = Type.Static<typeof ExternalVolumesResponse>
