import type { Int64, Volume, VolumeRequest } from '../../wire/volume.ts'
import type { VolumeSpec } from '../declare/volume.ts'
import type { VolumeContext } from './record.ts'

/** A request without secrets. They are added when it is sent. */
export type VolumeRequestBody = VolumeRequest & { readonly Namespace: string }

/**
 * The body of Create or Register for a volume that Nomad does not have, from the declaration. A Register also sends what
 * is recorded of the external volume.
 */
export function newVolumeRequest(
  spec: VolumeSpec,
  identity: { readonly csiName: string; readonly externalID?: string; readonly context?: VolumeContext },
  source: { readonly snapshotID?: string; readonly cloneID?: string } = {},
): VolumeRequestBody {
  return {
    ...(identity.context === undefined ? {} : { Context: { ...identity.context } }),
    ...updatableFields(spec),
    Name: identity.csiName,
    ...(identity.externalID === undefined ? {} : { ExternalID: identity.externalID }),
    ...(source.snapshotID === undefined ? {} : { SnapshotID: source.snapshotID }),
    ...(source.cloneID === undefined ? {} : { CloneID: source.cloneID }),
    ...(spec.topology === undefined ? {} : { RequestedTopologies: topologyRequest(spec.topology) }),
    ...(spec.parameters === undefined ? {} : { Parameters: { ...spec.parameters } }),
  }
}

/**
 * The body of an update. Nomad replaces mount options and refuses an absent topology request, so undeclared values are
 * copied from Nomad's volume (reference, 2.5). Fields that Nomad leaves unchanged if absent are omitted.
 */
export function updateVolumeRequest(spec: VolumeSpec, current: Volume): VolumeRequestBody {
  const fsType = spec.mountOptions?.fsType ?? current.MountOptions?.FSType
  return {
    ...updatableFields(spec),
    MountOptions: {
      ...(fsType === undefined ? {} : { FSType: fsType }),
      ...(spec.mountOptions?.mountFlags === undefined
        ? {}
        : { MountFlags: [...spec.mountOptions.mountFlags] }),
    },
    ...(current.RequestedTopologies == null ? {} : { RequestedTopologies: current.RequestedTopologies }),
  }
}

function updatableFields(spec: VolumeSpec): VolumeRequestBody {
  return {
    ID: spec.volumeID,
    Namespace: spec.namespace,
    PluginID: spec.pluginID,
    RequestedCapabilities: spec.capabilities.map(({ accessMode, attachmentMode }) => ({
      AccessMode: accessMode,
      AttachmentMode: attachmentMode,
    })),
    ...(spec.capacity?.min === undefined ? {} : { RequestedCapacityMin: toInt64(spec.capacity.min) }),
    ...(spec.capacity?.max === undefined ? {} : { RequestedCapacityMax: toInt64(spec.capacity.max) }),
    ...(spec.mountOptions === undefined
      ? {}
      : {
          MountOptions: {
            ...(spec.mountOptions.fsType === undefined ? {} : { FSType: spec.mountOptions.fsType }),
            ...(spec.mountOptions.mountFlags === undefined
              ? {}
              : { MountFlags: [...spec.mountOptions.mountFlags] }),
          },
        }),
    ...(spec.context === undefined ? {} : { Context: { ...spec.context } }),
  }
}

export function topologyRequest(topology: NonNullable<VolumeSpec['topology']>) {
  const elements = (list: readonly Readonly<Record<string, string>>[] | undefined) =>
    (list ?? []).map((segments) => ({ Segments: { ...segments } }))
  return { Required: elements(topology.required), Preferred: elements(topology.preferred) }
}

function toInt64(bytes: bigint): Int64 {
  return bytes <= Number.MAX_SAFE_INTEGER ? Number(bytes) : bytes
}
