import Type from 'typebox'
import { AllocationStub, Int64 } from './volume.ts'

const stub = {
  ID: Type.String(),
  /** Empty until Nomad has fingerprinted the plugin. */
  Provider: Type.String(),
  ControllerRequired: Type.Boolean(),
  ControllersHealthy: Type.Integer(),
  ControllersExpected: Type.Integer(),
  NodesHealthy: Type.Integer(),
  NodesExpected: Type.Integer(),
  CreateIndex: Int64,
  ModifyIndex: Int64,
}

/** One element of List Plugins. */
export const PluginStub = Type.Object(stub)
export type PluginStub = Type.Static<typeof PluginStub>

/** The capabilities of a controller instance, under Nomad's names. */
export const ControllerInfo = Type.Object({
  SupportsCreateDelete: Type.Boolean(),
  SupportsAttachDetach: Type.Boolean(),
  SupportsListVolumes: Type.Boolean(),
  SupportsGetCapacity: Type.Boolean(),
  SupportsCreateDeleteSnapshot: Type.Boolean(),
  SupportsListSnapshots: Type.Boolean(),
  SupportsClone: Type.Boolean(),
  SupportsReadOnlyAttach: Type.Boolean(),
  SupportsExpand: Type.Boolean(),
  SupportsListVolumesAttachedNodes: Type.Boolean(),
  SupportsCondition: Type.Boolean(),
  SupportsGet: Type.Boolean(),
})
export type ControllerInfo = Type.Static<typeof ControllerInfo>

export const NodeInfo = Type.Object({
  /** The ID that the plugin gives the node. */
  ID: Type.String(),
  MaxVolumes: Int64,
  AccessibleTopology: Type.Union([
    Type.Object({ Segments: Type.Union([Type.Record(Type.String(), Type.String()), Type.Null()]) }),
    Type.Null(),
  ]),
  RequiresNodeStageVolume: Type.Boolean(),
  SupportsStats: Type.Boolean(),
  SupportsExpand: Type.Boolean(),
  SupportsCondition: Type.Boolean(),
})
export type NodeInfo = Type.Static<typeof NodeInfo>

/** One instance of a plugin on one node. */
export const PluginInstance = Type.Object({
  PluginID: Type.String(),
  AllocID: Type.String(),
  Healthy: Type.Boolean(),
  HealthDescription: Type.String(),
  /** RFC 3339. */
  UpdateTime: Type.String(),
  Provider: Type.String(),
  ProviderVersion: Type.String(),
  RequiresControllerPlugin: Type.Boolean(),
  RequiresTopologies: Type.Boolean(),
  ControllerInfo: Type.Optional(Type.Union([ControllerInfo, Type.Null()])),
  NodeInfo: Type.Optional(Type.Union([NodeInfo, Type.Null()])),
})
export type PluginInstance = Type.Static<typeof PluginInstance>

/** The answer of Read Plugin. Nomad node IDs are the keys of the instances. */
export const Plugin = Type.Object({
  ...stub,
  Version: Type.String(),
  Controllers: Type.Union([Type.Record(Type.String(), PluginInstance), Type.Null()]),
  Nodes: Type.Union([Type.Record(Type.String(), PluginInstance), Type.Null()]),
  Allocations: Type.Optional(Type.Union([Type.Array(AllocationStub), Type.Null()])),
  /** By namespace, then job ID. */
  ControllerJobs: Type.Optional(Type.Unknown()),
  NodeJobs: Type.Optional(Type.Unknown()),
  /** Unix nanoseconds. */
  CreateTime: Type.Optional(Int64),
  ModifyTime: Type.Optional(Int64),
})
export type Plugin = Type.Static<typeof Plugin>

/** How much a plugin can still provide (CSI, GetCapacity). */
export interface Room {
  readonly availableBytes: bigint
  /** The largest volume that is possible. */
  readonly maximumVolumeBytes?: bigint
}
