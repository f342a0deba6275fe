import type { RpcName } from './deadlines.ts'
import type { _csi_v1_ControllerServiceCapability_RPC_Type__Output as ControllerCapability } from './generated/csi/v1/ControllerServiceCapability.ts'
import type { CreateVolumeRequest } from './generated/csi/v1/CreateVolumeRequest.ts'
import type { _csi_v1_GroupControllerServiceCapability_RPC_Type__Output as GroupControllerCapability } from './generated/csi/v1/GroupControllerServiceCapability.ts'
import type { _csi_v1_NodeServiceCapability_RPC_Type__Output as NodeCapability } from './generated/csi/v1/NodeServiceCapability.ts'
import type { _csi_v1_PluginCapability_Service_Type__Output as PluginCapability } from './generated/csi/v1/PluginCapability.ts'

/** A capability that a plugin must announce, and the service that announces it. */
export type Requirement =
  | { readonly service: 'plugin'; readonly capability: PluginCapability }
  | { readonly service: 'controller'; readonly capability: ControllerCapability }
  | { readonly service: 'groupController'; readonly capability: GroupControllerCapability }
  | { readonly service: 'node'; readonly capability: NodeCapability }

const plugin = (capability: PluginCapability): Requirement => ({ service: 'plugin', capability })
const controller = (capability: ControllerCapability): Requirement => ({ service: 'controller', capability })
const groupController = (capability: GroupControllerCapability): Requirement => ({
  service: 'groupController',
  capability,
})
const node = (capability: NodeCapability): Requirement => ({ service: 'node', capability })

/** The capability that each RPC needs by CSI 1.12. An RPC that is missing here needs none, or only its service. */
const ofRpc: Readonly<Partial<Record<RpcName, Requirement>>> = {
  CreateVolume: controller('CREATE_DELETE_VOLUME'),
  DeleteVolume: controller('CREATE_DELETE_VOLUME'),
  ControllerPublishVolume: controller('PUBLISH_UNPUBLISH_VOLUME'),
  ControllerUnpublishVolume: controller('PUBLISH_UNPUBLISH_VOLUME'),
  ValidateVolumeCapabilities: plugin('CONTROLLER_SERVICE'),
  ListVolumes: controller('LIST_VOLUMES'),
  GetCapacity: controller('GET_CAPACITY'),
  CreateSnapshot: controller('CREATE_DELETE_SNAPSHOT'),
  DeleteSnapshot: controller('CREATE_DELETE_SNAPSHOT'),
  ListSnapshots: controller('LIST_SNAPSHOTS'),
  GetSnapshot: controller('GET_SNAPSHOT'),
  ControllerExpandVolume: controller('EXPAND_VOLUME'),
  ControllerGetVolume: controller('GET_VOLUME'),
  ControllerModifyVolume: controller('MODIFY_VOLUME'),
  CreateVolumeGroupSnapshot: groupController('CREATE_DELETE_GET_VOLUME_GROUP_SNAPSHOT'),
  DeleteVolumeGroupSnapshot: groupController('CREATE_DELETE_GET_VOLUME_GROUP_SNAPSHOT'),
  GetVolumeGroupSnapshot: groupController('CREATE_DELETE_GET_VOLUME_GROUP_SNAPSHOT'),
  NodeStageVolume: node('STAGE_UNSTAGE_VOLUME'),
  NodeUnstageVolume: node('STAGE_UNSTAGE_VOLUME'),
  NodeGetVolumeStats: node('GET_VOLUME_STATS'),
  NodeExpandVolume: node('EXPAND_VOLUME'),
}

/** What a plugin must announce before this call may be sent. */
export function requirementsOf(rpc: RpcName, request: object): Requirement[] {
  const required = ofRpc[rpc]
  const requirements = required === undefined ? [] : [required]
  if (required?.service === 'controller') requirements.unshift(plugin('CONTROLLER_SERVICE'))
  if (required?.service === 'groupController') requirements.unshift(plugin('GROUP_CONTROLLER_SERVICE'))
  if (rpc === 'CreateVolume') requirements.push(...ofCreate(request as CreateVolumeRequest))
  if (rpc === 'ControllerPublishVolume' && (request as { readonly?: boolean }).readonly) {
    requirements.push(controller('PUBLISH_READONLY'))
  }
  return requirements
}

function ofCreate(request: CreateVolumeRequest): Requirement[] {
  const { volumeContentSource: source, accessibilityRequirements: topology, mutableParameters } = request
  const hasTopology = (topology?.requisite?.length ?? 0) + (topology?.preferred?.length ?? 0) > 0
  return [
    ...(source?.volume ? [controller('CLONE_VOLUME')] : []),
    ...(source?.snapshot ? [controller('CREATE_DELETE_SNAPSHOT')] : []),
    ...(hasTopology ? [plugin('VOLUME_ACCESSIBILITY_CONSTRAINTS')] : []),
    ...(Object.keys(mutableParameters ?? {}).length > 0 ? [controller('MODIFY_VOLUME')] : []),
  ]
}
