import type { HostVolume, HostVolumeRequest } from '../../wire/host-volume.ts'
import type { HostVolumeSpec } from '../declare/host-volume.ts'
import type { PlacementNode } from './host-volume-node.ts'

/** The body of a create or an update, with its Nomad namespace. */
export type HostVolumeBody = HostVolumeRequest & { readonly Namespace: string }

/** The body for a new volume. It names the node: else a repeat could make a second one elsewhere. */
export function newHostVolumeRequest(
  spec: HostVolumeSpec,
  { ID, NodePool }: Pick<PlacementNode, 'ID' | 'NodePool'>,
): HostVolumeBody {
  const { capacity, capabilities = [{ accessMode: 'single-node-writer', attachmentMode: 'file-system' }] } =
    spec
  return {
    Namespace: spec.namespace,
    Name: spec.name,
    PluginID: spec.pluginID,
    NodePool,
    NodeID: ID,
    ...capacityFields(capacity?.min, capacity?.max),
    RequestedCapabilities: capabilities.map(({ accessMode, attachmentMode }) => ({
      AccessMode: accessMode,
      AttachmentMode: attachmentMode,
    })),
    ...(spec.parameters === undefined ? {} : { Parameters: { ...spec.parameters } }),
  }
}

/** The body of an update that expands the volume. All else is sent as Nomad has it, because Nomad takes what the body says. */
export function expandHostVolumeRequest(
  { capacity }: HostVolumeSpec,
  { Namespace, ID, Name, PluginID, NodePool, NodeID, ...volume }: HostVolume,
): HostVolumeBody {
  const heldMax = BigInt(volume.RequestedCapacityMaxBytes)
  const min = capacity?.min ?? 0n
  return {
    Namespace,
    ID,
    Name,
    PluginID,
    NodePool,
    NodeID,
    ...(volume.Constraints == null ? {} : { Constraints: volume.Constraints }),
    ...capacityFields(min, capacity?.max ?? (heldMax > min ? heldMax : undefined)),
    RequestedCapabilities: volume.RequestedCapabilities,
    ...(volume.Parameters == null ? {} : { Parameters: volume.Parameters }),
  }
}

/** Nomad takes an absent maximum for 0, and refuses it as less than the minimum. */
function capacityFields(min: bigint | undefined, max = min) {
  return {
    ...(min === undefined ? {} : { RequestedCapacityMinBytes: min }),
    ...(max === undefined ? {} : { RequestedCapacityMaxBytes: max }),
  }
}
