import type { CapacityRange } from '../../csi/generated/csi/v1/CapacityRange.ts'
import type { CreateVolumeRequest } from '../../csi/generated/csi/v1/CreateVolumeRequest.ts'
import type {
  _csi_v1_VolumeCapability_AccessMode_Mode as CsiAccessMode,
  VolumeCapability,
} from '../../csi/generated/csi/v1/VolumeCapability.ts'
import type { Int64 } from '../../lib/json.ts'
import type { AccessMode } from '../../wire/volume.ts'
import type { CapabilityRecord, MountOptionsRecord, VolumeDefinition } from '../state/records.ts'

const csiAccessModes: Readonly<Record<AccessMode, CsiAccessMode>> = {
  'single-node-reader-only': 'SINGLE_NODE_READER_ONLY',
  'single-node-writer': 'SINGLE_NODE_WRITER',
  'multi-node-reader-only': 'MULTI_NODE_READER_ONLY',
  'multi-node-single-writer': 'MULTI_NODE_SINGLE_WRITER',
  'multi-node-multi-writer': 'MULTI_NODE_MULTI_WRITER',
}

export function toCsiCapability(
  { accessMode, attachmentMode }: CapabilityRecord,
  { fsType, mountFlags }: MountOptionsRecord,
): VolumeCapability {
  return {
    accessMode: { mode: csiAccessModes[accessMode] },
    ...(attachmentMode === 'block-device'
      ? { block: {} }
      : { mount: { fsType, mountFlags: [...mountFlags] } }),
  }
}

/** Bytes; 0: no bound. Without any bound there is no range. */
export function toCapacityRange(minBytes: Int64, maxBytes: Int64): CapacityRange | null {
  if (!minBytes && !maxBytes) return null
  return { requiredBytes: minBytes, limitBytes: maxBytes }
}

/** The request that Create sends and that a replay sends again, to the byte. */
export function toCreateVolumeRequest(
  definition: VolumeDefinition,
  supportsTopology: boolean,
): CreateVolumeRequest {
  const { required, preferred } = definition.requestedTopologies
  return {
    name: definition.name,
    capacityRange: toCapacityRange(definition.requestedCapacityMin, definition.requestedCapacityMax),
    volumeCapabilities: definition.requestedCapabilities.map((capability) =>
      toCsiCapability(capability, definition.mountOptions),
    ),
    parameters: definition.parameters,
    secrets: definition.secrets,
    volumeContentSource: contentSource(definition),
    // A plugin that announces no topology must not be asked for one (CSI, CreateVolume).
    accessibilityRequirements: supportsTopology
      ? {
          requisite: required.map((segments) => ({ segments: { ...segments } })),
          preferred: preferred.map((segments) => ({ segments: { ...segments } })),
        }
      : null,
  }
}

function contentSource({ snapshotID, cloneID }: VolumeDefinition) {
  if (snapshotID !== '') return { snapshot: { snapshotId: snapshotID } }
  if (cloneID !== '') return { volume: { volumeId: cloneID } }
  return null
}
