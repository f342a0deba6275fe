import Type from 'typebox'
import { AllocationStub, Int64 } from './volume.ts'

const nullable = <T extends Type.TSchema>(schema: T) => Type.Union([schema, Type.Null()])
const StringMap = Type.Record(Type.String(), Type.String())

/** The access modes of host volumes (Nomad: structs, host_volumes.go). */
export const hostAccessModes = [
  'single-node-reader-only',
  'single-node-writer',
  'single-node-single-writer',
  'single-node-multi-writer',
] as const
export type HostAccessMode = (typeof hostAccessModes)[number]

/** What a node has to be like for a volume to be placed on it, such as `${attr.kernel.name} = linux`. */
export const HostVolumeConstraint = Type.Object({
  LTarget: Type.String(),
  RTarget: Type.String(),
  Operand: Type.String(),
})
export type HostVolumeConstraint = Type.Static<typeof HostVolumeConstraint>

export const HostVolumeCapability = Type.Object({ AttachmentMode: Type.String(), AccessMode: Type.String() })

/** `pending`: its node has not told of it; `unavailable`: its node, or its folder, is gone. */
export const hostVolumeStates = ['pending', 'ready', 'unavailable'] as const
export type HostVolumeState = (typeof hostVolumeStates)[number]

/** One element of List Volumes with `type=host`. Times are nanoseconds since the Unix epoch. */
export const HostVolumeStub = Type.Object({
  Namespace: Type.String(),
  ID: Type.String(),
  Name: Type.String(),
  PluginID: Type.String(),
  NodePool: Type.String(),
  NodeID: Type.String(),
  CapacityBytes: Int64,
  State: Type.String(),
  CreateIndex: Int64,
  CreateTime: Int64,
  ModifyIndex: Int64,
  ModifyTime: Int64,
})
export type HostVolumeStub = Type.Static<typeof HostVolumeStub>

/** The answer of Read Host Volume. */
export const HostVolume = Type.Object({
  ...HostVolumeStub.properties,
  Constraints: Type.Optional(nullable(Type.Array(HostVolumeConstraint))),
  RequestedCapacityMinBytes: Int64,
  RequestedCapacityMaxBytes: Int64,
  RequestedCapabilities: nullable(Type.Array(HostVolumeCapability)),
  Parameters: Type.Optional(nullable(StringMap)),
  HostPath: Type.String(),
  Allocations: Type.Optional(nullable(Type.Array(AllocationStub))),
})
export type HostVolume = Type.Static<typeof HostVolume>

/** The volume in a body of Create and Register Host Volume. */
export const HostVolumeRequest = Type.Object({
  Namespace: Type.Optional(Type.String()),
  ID: Type.Optional(Type.String()),
  Name: Type.String(),
  PluginID: Type.Optional(Type.String()),
  NodePool: Type.Optional(Type.String()),
  NodeID: Type.Optional(Type.String()),
  Constraints: Type.Optional(nullable(Type.Array(HostVolumeConstraint))),
  RequestedCapacityMinBytes: Type.Optional(Int64),
  RequestedCapacityMaxBytes: Type.Optional(Int64),
  CapacityBytes: Type.Optional(Int64),
  RequestedCapabilities: Type.Optional(nullable(Type.Array(HostVolumeCapability))),
  Parameters: Type.Optional(nullable(StringMap)),
  HostPath: Type.Optional(Type.String()),
})
export type HostVolumeRequest = Type.Static<typeof HostVolumeRequest>

/** The answer of Create and Register Host Volume. */
export const HostVolumeResponse = Type.Object({
  Volume: HostVolume,
  Warnings: Type.String(),
  Index: Int64,
})
