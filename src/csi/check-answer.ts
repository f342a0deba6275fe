import type { RpcName } from './deadlines.ts'
import type { CapacityRange } from './generated/csi/v1/CapacityRange.ts'
import type { ControllerExpandVolumeRequest } from './generated/csi/v1/ControllerExpandVolumeRequest.ts'
import type { ControllerExpandVolumeResponse__Output } from './generated/csi/v1/ControllerExpandVolumeResponse.ts'
import type { ControllerGetVolumeRequest } from './generated/csi/v1/ControllerGetVolumeRequest.ts'
import type { ControllerGetVolumeResponse__Output } from './generated/csi/v1/ControllerGetVolumeResponse.ts'
import type { CreateSnapshotRequest } from './generated/csi/v1/CreateSnapshotRequest.ts'
import type { CreateSnapshotResponse__Output } from './generated/csi/v1/CreateSnapshotResponse.ts'
import type { CreateVolumeGroupSnapshotRequest } from './generated/csi/v1/CreateVolumeGroupSnapshotRequest.ts'
import type { CreateVolumeGroupSnapshotResponse__Output } from './generated/csi/v1/CreateVolumeGroupSnapshotResponse.ts'
import type { CreateVolumeRequest } from './generated/csi/v1/CreateVolumeRequest.ts'
import type { CreateVolumeResponse__Output } from './generated/csi/v1/CreateVolumeResponse.ts'
import type { GetCapacityResponse__Output } from './generated/csi/v1/GetCapacityResponse.ts'
import type { GetPluginInfoResponse__Output } from './generated/csi/v1/GetPluginInfoResponse.ts'
import type { GetSnapshotRequest } from './generated/csi/v1/GetSnapshotRequest.ts'
import type { GetSnapshotResponse__Output } from './generated/csi/v1/GetSnapshotResponse.ts'
import type { GetVolumeGroupSnapshotRequest } from './generated/csi/v1/GetVolumeGroupSnapshotRequest.ts'
import type { GetVolumeGroupSnapshotResponse__Output } from './generated/csi/v1/GetVolumeGroupSnapshotResponse.ts'
import type { ListSnapshotsRequest } from './generated/csi/v1/ListSnapshotsRequest.ts'
import type { ListSnapshotsResponse__Output } from './generated/csi/v1/ListSnapshotsResponse.ts'
import type { ListVolumesRequest } from './generated/csi/v1/ListVolumesRequest.ts'
import type { ListVolumesResponse__Output } from './generated/csi/v1/ListVolumesResponse.ts'
import type { NodeGetInfoResponse__Output } from './generated/csi/v1/NodeGetInfoResponse.ts'
import type { Snapshot__Output } from './generated/csi/v1/Snapshot.ts'
import type { VolumeContentSource } from './generated/csi/v1/VolumeContentSource.ts'
import type { VolumeGroupSnapshot__Output } from './generated/csi/v1/VolumeGroupSnapshot.ts'

/**
 * A check returns the clause of CSI 1.12 that an answer breaks: the path of a field and what is wrong. It looks only for
 * what harms the caller: a missing ID, a volume that is too small, a blank volume in place of a copy, a list without end.
 * An entry of a list that breaks a clause is passed over by whoever reads the list: the others are good.
 */
type Check = (request: never, answer: never) => string | undefined

const checks: Readonly<Partial<Record<RpcName, Check>>> = {
  GetPluginInfo: (_request: object, { name }: GetPluginInfoResponse__Output) =>
    /^[a-zA-Z0-9]([a-zA-Z0-9.-]{0,61}[a-zA-Z0-9])?$/.test(name)
      ? undefined
      : 'GetPluginInfoResponse.name: required, in domain-name form of at most 63 characters',

  CreateVolume(request: CreateVolumeRequest, { volume }: CreateVolumeResponse__Output) {
    if (volume === null) return 'CreateVolumeResponse.volume: required'
    if (volume.volumeId === '') return 'CreateVolumeResponse.volume.volume_id: required'
    // Zero means unknown, which is allowed.
    const capacity =
      volume.capacityBytes === 0n
        ? undefined
        : outOfBounds(
            volume.capacityBytes,
            request.capacityRange,
            'CreateVolumeResponse.volume.capacity_bytes',
          )
    return capacity ?? differingSource(request.volumeContentSource, volume.contentSource)
  },

  ControllerExpandVolume(
    request: ControllerExpandVolumeRequest,
    { capacityBytes }: ControllerExpandVolumeResponse__Output,
  ) {
    const field = 'ControllerExpandVolumeResponse.capacity_bytes'
    return capacityBytes > 0n
      ? outOfBounds(capacityBytes, request.capacityRange, field)
      : `${field}: required`
  },

  ControllerGetVolume(
    { volumeId }: ControllerGetVolumeRequest,
    { volume }: ControllerGetVolumeResponse__Output,
  ) {
    if (volume === null) return 'ControllerGetVolumeResponse.volume: required'
    if (volume.volumeId === volumeId) return undefined
    return 'ControllerGetVolumeResponse.volume.volume_id: it is not the volume of the request'
  },

  ListVolumes({ maxEntries = 0 }: ListVolumesRequest, { entries }: ListVolumesResponse__Output) {
    if (maxEntries > 0 && entries.length > maxEntries)
      return 'ListVolumesResponse.entries: more than max_entries'
    return undefined
  },

  GetCapacity: (_request: object, { availableCapacity }: GetCapacityResponse__Output) =>
    availableCapacity < 0n ? 'GetCapacityResponse.available_capacity: negative' : undefined,

  CreateSnapshot(request: CreateSnapshotRequest, { snapshot }: CreateSnapshotResponse__Output) {
    if (snapshot === null) return 'CreateSnapshotResponse.snapshot: required'
    const incomplete = incompleteSnapshot('CreateSnapshotResponse.snapshot', snapshot)
    if (incomplete !== undefined || snapshot.sourceVolumeId === request.sourceVolumeId) return incomplete
    return 'CreateSnapshotResponse.snapshot.source_volume_id: it is not the volume of the request'
  },

  GetSnapshot({ snapshotId }: GetSnapshotRequest, { snapshot }: GetSnapshotResponse__Output) {
    if (snapshot === null) return 'GetSnapshotResponse.snapshot: required'
    if (snapshot.snapshotId === snapshotId)
      return incompleteSnapshot('GetSnapshotResponse.snapshot', snapshot)
    return 'GetSnapshotResponse.snapshot.snapshot_id: it is not the snapshot of the request'
  },

  ListSnapshots({ maxEntries = 0 }: ListSnapshotsRequest, { entries }: ListSnapshotsResponse__Output) {
    if (maxEntries > 0 && entries.length > maxEntries)
      return 'ListSnapshotsResponse.entries: more than max_entries'
    return undefined
  },

  CreateVolumeGroupSnapshot(
    { sourceVolumeIds = [] }: CreateVolumeGroupSnapshotRequest,
    { groupSnapshot }: CreateVolumeGroupSnapshotResponse__Output,
  ) {
    const field = 'CreateVolumeGroupSnapshotResponse.group_snapshot'
    if (groupSnapshot === null) return `${field}: required`
    const sources = groupSnapshot.snapshots.map(({ sourceVolumeId }) => sourceVolumeId)
    const incomplete = incompleteGroup(field, groupSnapshot)
    if (incomplete !== undefined || isSameSet(sources, sourceVolumeIds)) return incomplete
    return `${field}.snapshots: not one for each volume of the request`
  },

  GetVolumeGroupSnapshot(
    { groupSnapshotId, snapshotIds = [] }: GetVolumeGroupSnapshotRequest,
    { groupSnapshot }: GetVolumeGroupSnapshotResponse__Output,
  ) {
    const field = 'GetVolumeGroupSnapshotResponse.group_snapshot'
    if (groupSnapshot === null) return `${field}: required`
    if (groupSnapshot.groupSnapshotId !== groupSnapshotId) {
      return `${field}.group_snapshot_id: it is not the group snapshot of the request`
    }
    const ids = groupSnapshot.snapshots.map(({ snapshotId }) => snapshotId)
    const incomplete = incompleteGroup(field, groupSnapshot)
    if (incomplete !== undefined || snapshotIds.length === 0 || isSameSet(ids, snapshotIds)) return incomplete
    return `${field}.snapshots: not the snapshots of the request`
  },

  NodeGetInfo: (_request: object, { nodeId }: NodeGetInfoResponse__Output) =>
    nodeId === '' || Buffer.byteLength(nodeId) > 256
      ? 'NodeGetInfoResponse.node_id: required, of at most 256 bytes'
      : undefined,
}

/** The clause of CSI 1.12 that an answer breaks; undefined where it breaks none that matters. */
export function brokenClause(rpc: RpcName, request: object, answer: object): string | undefined {
  // The name of the RPC decides both types.
  return checks[rpc]?.(request as never, answer as never)
}

/** ID of the volume or snapshot that the answer to a create names; empty where it names none. */
export function madeBy(answer: object): string {
  const { volume, snapshot } = answer as Partial<
    CreateVolumeResponse__Output & CreateSnapshotResponse__Output
  >
  return volume?.volumeId ?? snapshot?.snapshotId ?? ''
}

function outOfBounds(
  capacityBytes: bigint,
  range: CapacityRange | null | undefined,
  field: string,
): string | undefined {
  const requiredBytes = BigInt(range?.requiredBytes ?? 0)
  const limitBytes = BigInt(range?.limitBytes ?? 0)
  if (capacityBytes < requiredBytes)
    return `${field}: ${capacityBytes} is less than the required ${requiredBytes}`
  if (limitBytes !== 0n && capacityBytes > limitBytes) {
    return `${field}: ${capacityBytes} is more than the limit ${limitBytes}`
  }
  return undefined
}

/** A plugin that ignores the source returns a blank volume in place of a copy. */
function differingSource(
  wanted: VolumeContentSource | null | undefined,
  given: VolumeContentSource | null,
): string | undefined {
  const same =
    (wanted?.snapshot?.snapshotId ?? '') === (given?.snapshot?.snapshotId ?? '') &&
    (wanted?.volume?.volumeId ?? '') === (given?.volume?.volumeId ?? '')
  return same ? undefined : 'CreateVolumeResponse.volume.content_source: it is not the source of the request'
}

function incompleteSnapshot(field: string, snapshot: Snapshot__Output): string | undefined {
  if (snapshot.snapshotId === '') return `${field}.snapshot_id: required`
  if (snapshot.sourceVolumeId === '') return `${field}.source_volume_id: required`
  if (snapshot.creationTime === null) return `${field}.creation_time: required`
  return undefined
}

/** A group must be whole: whoever restores it notices a missing snapshot too late. */
function incompleteGroup(field: string, group: VolumeGroupSnapshot__Output): string | undefined {
  const { groupSnapshotId, snapshots } = group
  if (groupSnapshotId === '') return `${field}.group_snapshot_id: required`
  if (group.creationTime === null) return `${field}.creation_time: required`
  if (snapshots.length === 0) return `${field}.snapshots: required`
  for (const snapshot of snapshots) {
    const incomplete = incompleteSnapshot(`${field}.snapshots`, snapshot)
    if (incomplete !== undefined) return incomplete
    if (snapshot.groupSnapshotId !== groupSnapshotId) {
      return `${field}.snapshots.group_snapshot_id: it is not the ID of the group`
    }
  }
  if (new Set(snapshots.map(({ snapshotId }) => snapshotId)).size < snapshots.length) {
    return `${field}.snapshots.snapshot_id: two are the same`
  }
  if (group.readyToUse && snapshots.some(({ readyToUse }) => !readyToUse)) {
    return `${field}.ready_to_use: not every snapshot of the group is`
  }
  return undefined
}

function isSameSet(some: readonly string[], others: readonly string[]): boolean {
  const wanted = new Set(others)
  return some.length === wanted.size && some.every((item) => wanted.delete(item))
}
