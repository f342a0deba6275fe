import type { Snapshot } from '../csi/generated/csi/v1/Snapshot.ts'
import type { Volume } from '../csi/generated/csi/v1/Volume.ts'
import type { VolumeCondition } from '../csi/generated/csi/v1/VolumeCondition.ts'
import type { DriverContext } from './driver-context.ts'
import type { SnapshotRecord, VolumeRecord } from './records.ts'
import { findCovers } from './volume-data.ts'
import { describeDoubt } from './volume-lookup.ts'

/** A volume as the Controller service tells of it. */
export function describeVolume({ topology }: DriverContext, volume: VolumeRecord): Volume {
  const { source } = volume
  return {
    volumeId: volume.id,
    capacityBytes: BigInt(volume.capacityBytes),
    ...(source && {
      contentSource:
        source.type === 'snapshot'
          ? { snapshot: { snapshotId: source.id } }
          : { volume: { volumeId: source.id } },
    }),
    ...(Object.keys(topology).length > 0 && { accessibleTopology: [{ segments: { ...topology } }] }),
  }
}

/** The nodes that a volume is published to, and how it is. */
export function describeStatus(
  context: DriverContext,
  volume: VolumeRecord,
  covers: ReadonlyMap<string, string> = findCovers(context.pool),
): { publishedNodeIds: string[]; volumeCondition: VolumeCondition } {
  return {
    publishedNodeIds: volume.attachments.map(({ nodeID }) => nodeID),
    volumeCondition: describeCondition(context, volume, covers),
  }
}

/** @param covers what is mounted in volumes, as findCovers gives it: once for a whole list */
export function describeCondition(
  { pool, quota, faults }: DriverContext,
  volume: VolumeRecord,
  covers: ReadonlyMap<string, string> = findCovers(pool),
): VolumeCondition {
  const doubt = pool.volumes.doubtOf(volume.id)
  if (doubt !== undefined) return { abnormal: true, message: describeDoubt(doubt) }
  const fault = faults.get(`volume:${volume.id}`)
  if (fault !== undefined)
    return { abnormal: true, message: `it is being deleted, and stays for now: ${fault}` }
  const cover = covers.get(volume.id)
  if (cover !== undefined) return { abnormal: true, message: `it is ${cover}: unmount that` }
  if (!pool.hasData(pool.volumePath(volume.id), volume.kind)) {
    return { abnormal: true, message: 'its data is gone from the pool' }
  }
  if (volume.name === undefined) {
    return { abnormal: false, message: 'a directory that was put into the pool; it has no capacity limit' }
  }
  if (volume.kind === 'block' || (volume.projectID !== undefined && quota.type === 'enforced')) {
    return { abnormal: false, message: 'ready' }
  }
  const reason = quota.type === 'absent' ? quota.reason : 'it was made when the pool had no quotas'
  return { abnormal: false, message: `ready; nothing holds it to its capacity: ${reason}` }
}

/** A snapshot as the Controller service tells of it. */
export function describeSnapshot({ pool }: Pick<DriverContext, 'pool'>, snapshot: SnapshotRecord): Snapshot {
  return {
    snapshotId: snapshot.id,
    sourceVolumeId: snapshot.sourceVolumeID,
    sizeBytes: BigInt(snapshot.sizeBytes),
    creationTime: toTimestamp(snapshot.createTimeMs),
    // Whoever removed its data by hand left nothing to use.
    readyToUse: snapshot.state === 'ready' && pool.hasData(pool.snapshotPath(snapshot.id), snapshot.kind),
    groupSnapshotId: snapshot.groupID ?? '',
  }
}

/** @param timeMs milliseconds since the Unix epoch */
export function toTimestamp(timeMs: number): { seconds: bigint; nanos: number } {
  return { seconds: BigInt(Math.floor(timeMs / 1000)), nanos: (timeMs % 1000) * 1_000_000 }
}
