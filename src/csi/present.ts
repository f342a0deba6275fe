import type { Snapshot } from '../wire/snapshot.ts'
import type { ExternalVolume, Int64 } from '../wire/volume.ts'
import type { Snapshot__Output } from './generated/csi/v1/Snapshot.ts'
import type { Volume__Output } from './generated/csi/v1/Volume.ts'
import type { VolumeCondition__Output } from './generated/csi/v1/VolumeCondition.ts'

/** A plugin's volume in the form of the Volumes API. @param status null where the plugin gives none */
export function presentExternalVolume(
  volume: Volume__Output,
  status: {
    readonly publishedNodeIds: string[]
    readonly volumeCondition: VolumeCondition__Output | null
  } | null,
): ExternalVolume {
  return {
    ExternalID: volume.volumeId,
    CapacityBytes: toInt64(volume.capacityBytes),
    VolumeContext: volume.volumeContext,
    CloneID: volume.contentSource?.volume?.volumeId ?? '',
    SnapshotID: volume.contentSource?.snapshot?.snapshotId ?? '',
    PublishedExternalNodeIDs: status?.publishedNodeIds ?? null,
    IsAbnormal: status?.volumeCondition?.abnormal ?? false,
    Status: status?.volumeCondition?.message ?? '',
  }
}

/** A plugin's snapshot in the form of the Volumes API. */
export function presentSnapshot(snapshot: Snapshot__Output): Snapshot {
  return {
    ID: snapshot.snapshotId,
    ExternalSourceVolumeID: snapshot.sourceVolumeId,
    SizeBytes: toInt64(snapshot.sizeBytes),
    CreateTime: toInt64(snapshot.creationTime?.seconds ?? 0n),
    IsReady: snapshot.readyToUse,
  }
}

/** A number where that is exact, otherwise the bigint. */
export function toInt64(value: bigint): Int64 {
  return BigInt(Number.MIN_SAFE_INTEGER) <= value && value <= BigInt(Number.MAX_SAFE_INTEGER)
    ? Number(value)
    : value
}
