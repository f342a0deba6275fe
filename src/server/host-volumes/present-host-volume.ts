import type { HostVolume, HostVolumeStub } from '../../wire/host-volume.ts'
import type { HostVolumeRecord } from '../state/records.ts'
import { unixNanoseconds } from '../times.ts'

/** One element of List Volumes with `type=host`. */
export const presentHostVolumeStub = (volume: HostVolumeRecord): HostVolumeStub => ({
  Namespace: volume.namespace,
  ID: volume.id,
  Name: volume.name,
  PluginID: volume.pluginID,
  NodePool: volume.nodePool,
  NodeID: volume.nodeID,
  CapacityBytes: volume.capacityBytes,
  State: volume.state,
  CreateIndex: volume.createIndex,
  CreateTime: unixNanoseconds(volume.createTimeMs),
  ModifyIndex: volume.modifyIndex,
  ModifyTime: unixNanoseconds(volume.modifyTimeMs),
})

/** The answer of Read Host Volume. What is empty is left out where Nomad leaves it out. */
export const presentHostVolume = (volume: HostVolumeRecord): HostVolume => ({
  ...presentHostVolumeStub(volume),
  ...(volume.constraints.length > 0 && { Constraints: [...volume.constraints] }),
  RequestedCapacityMinBytes: volume.requestedCapacityMinBytes,
  RequestedCapacityMaxBytes: volume.requestedCapacityMaxBytes,
  RequestedCapabilities: volume.requestedCapabilities.map(({ accessMode, attachmentMode }) => ({
    AttachmentMode: attachmentMode,
    AccessMode: accessMode,
  })),
  ...(Object.keys(volume.parameters).length > 0 && { Parameters: volume.parameters }),
  HostPath: volume.hostPath,
})
