import type { MethodName } from './contract.ts'
import type { ControllerDefinition } from './generated/csi/v1/Controller.ts'
import type { GroupControllerDefinition } from './generated/csi/v1/GroupController.ts'
import type { IdentityDefinition } from './generated/csi/v1/Identity.ts'
import type { NodeDefinition } from './generated/csi/v1/Node.ts'

/** The name of an RPC of a plugin. */
export type RpcName =
  | MethodName<IdentityDefinition>
  | MethodName<ControllerDefinition>
  | MethodName<GroupControllerDefinition>
  | MethodName<NodeDefinition>

/** How long a call of each RPC may take, in milliseconds. */
export type Deadlines = Readonly<Record<RpcName, number>>

/** The plugin knows the answer by itself. */
const quickMs = 10_000
/** Lists and queries that reach the storage provider. */
const queryMs = 30_000
/** Changes of a volume: attach, mount, delete, expand. */
const changeMs = 60_000
/** It may copy data. Nomad gives every call this long, and plugins expect that. */
const copyMs = 120_000

export const defaultDeadlines: Deadlines = {
  GetPluginInfo: quickMs,
  GetPluginCapabilities: quickMs,
  Probe: quickMs,
  CreateVolume: copyMs,
  DeleteVolume: changeMs,
  ControllerPublishVolume: changeMs,
  ControllerUnpublishVolume: changeMs,
  ValidateVolumeCapabilities: queryMs,
  ListVolumes: queryMs,
  GetCapacity: queryMs,
  ControllerGetCapabilities: quickMs,
  CreateSnapshot: copyMs,
  DeleteSnapshot: changeMs,
  ListSnapshots: queryMs,
  GetSnapshot: queryMs,
  ControllerExpandVolume: changeMs,
  ControllerGetVolume: queryMs,
  ControllerModifyVolume: changeMs,
  GroupControllerGetCapabilities: quickMs,
  CreateVolumeGroupSnapshot: copyMs,
  DeleteVolumeGroupSnapshot: changeMs,
  GetVolumeGroupSnapshot: queryMs,
  NodeStageVolume: changeMs,
  NodeUnstageVolume: changeMs,
  NodePublishVolume: changeMs,
  NodeUnpublishVolume: changeMs,
  NodeGetVolumeStats: queryMs,
  NodeExpandVolume: changeMs,
  NodeGetCapabilities: quickMs,
  NodeGetInfo: quickMs,
}
