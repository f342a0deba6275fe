import Type from 'typebox'
import { PluginInstance } from './plugin.ts'
import { Int64 } from './volume.ts'

const StringMap = Type.Record(Type.String(), Type.String())
const anything = Type.Record(Type.String(), Type.Unknown())

/** One element of List Nodes. */
export const NodeStub = Type.Object({
  ID: Type.String(),
  Name: Type.String(),
  Datacenter: Type.String(),
  NodeClass: Type.String(),
  NodePool: Type.String(),
  Address: Type.String(),
  Version: Type.String(),
  Status: Type.String(),
  StatusDescription: Type.String(),
  SchedulingEligibility: Type.String(),
  Drain: Type.Boolean(),
  Drivers: anything,
  HostVolumes: anything,
  CreateIndex: Int64,
  ModifyIndex: Int64,
})
export type NodeStub = Type.Static<typeof NodeStub>

/** Answer of Read Node. */
export const Node = Type.Object({
  ...NodeStub.properties,
  Attributes: StringMap,
  Meta: StringMap,
  NodeResources: anything,
  ReservedResources: anything,
  /** By the ID of the plugin. */
  CSIControllerPlugins: Type.Record(Type.String(), PluginInstance),
  CSINodePlugins: Type.Record(Type.String(), PluginInstance),
})
export type Node = Type.Static<typeof Node>

/** One element of List Node Pools, and the answer of Read Node Pool. */
export const NodePool = Type.Object({
  Name: Type.String(),
  Description: Type.String(),
  Meta: Type.Null(),
  SchedulerConfiguration: Type.Null(),
  CreateIndex: Int64,
  ModifyIndex: Int64,
})
export type NodePool = Type.Static<typeof NodePool>
