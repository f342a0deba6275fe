import type { DeleteVolumeGroupSnapshotRequest__Output } from '../csi/generated/csi/v1/DeleteVolumeGroupSnapshotRequest.ts'
import type { GetVolumeGroupSnapshotRequest__Output } from '../csi/generated/csi/v1/GetVolumeGroupSnapshotRequest.ts'
import type { GetVolumeGroupSnapshotResponse } from '../csi/generated/csi/v1/GetVolumeGroupSnapshotResponse.ts'
import type { VolumeGroupSnapshot } from '../csi/generated/csi/v1/VolumeGroupSnapshot.ts'
import { errorMessage } from '../lib/errors.ts'
import { describeSnapshot, toTimestamp } from './describe.ts'
import type { DriverContext } from './driver-context.ts'
import { invalidArgument, notFound } from './driver-error.ts'
import { isPoolID } from './names.ts'
import type { Release } from './operation-locks.ts'
import type { Pool } from './pool.ts'
import type { GroupRecord, SnapshotRecord } from './records.ts'
import { settleSnapshot } from './settle.ts'
import { requireKnown } from './volume-lookup.ts'

/** The snapshots of a group that have a record: all of them, unless the group is on its way in or out. */
export function membersOf(pool: Pool, group: GroupRecord): SnapshotRecord[] {
  return group.members.map(({ id }) => pool.snapshots.get(id)).filter((snapshot) => snapshot !== undefined)
}

/** A group as the GroupController service tells of it. */
export function describeGroup(context: DriverContext, group: GroupRecord): VolumeGroupSnapshot {
  const snapshots = membersOf(context.pool, group).map((snapshot) => describeSnapshot(context, snapshot))
  return {
    groupSnapshotId: group.id,
    snapshots,
    creationTime: toTimestamp(group.createTimeMs),
    readyToUse:
      snapshots.length === group.members.length && snapshots.every(({ readyToUse }) => readyToUse === true),
  }
}

/** GetVolumeGroupSnapshot. Snapshot IDs are not needed for it; where they are given they have to be right. */
export function getGroupSnapshot(
  context: DriverContext,
  { groupSnapshotId: id, snapshotIds }: GetVolumeGroupSnapshotRequest__Output,
): GetVolumeGroupSnapshotResponse {
  if (id === '') throw invalidArgument('group_snapshot_id is required')
  requireKnown(context.pool.groups.doubtOf(id), 'group snapshot')
  const group = isPoolID(id) ? context.pool.groups.get(id) : undefined
  if (group?.state !== 'ready') throw notFound(`there is no group snapshot ${JSON.stringify(id)}`)
  if (snapshotIds.length > 0) checkMembers(group, snapshotIds)
  return { groupSnapshot: describeGroup(context, group) }
}

/** DeleteVolumeGroupSnapshot: all snapshots of the group at once; what is not there is deleted. */
export async function deleteGroupSnapshot(
  context: DriverContext,
  { groupSnapshotId: id, snapshotIds }: DeleteVolumeGroupSnapshotRequest__Output,
): Promise<Record<string, never>> {
  const { pool, locks, log } = context
  if (id === '') throw invalidArgument('group_snapshot_id is required')
  requireKnown(pool.groups.doubtOf(id), 'group snapshot')
  const group = isPoolID(id) ? pool.groups.get(id) : undefined
  if (group === undefined) return {}
  const releases: Release[] = []
  try {
    releases.push(
      locks.acquire(`group-name:${group.name}`, 'exclusive', `group snapshot ${id} is being changed`),
    )
    checkMembers(group, snapshotIds)
    for (const member of group.members) {
      releases.push(
        locks.acquire(`snapshot:${member.id}`, 'exclusive', `snapshot ${member.id} is being copied`),
      )
    }
    await pool.ballast.withRoom(async () => {
      await pool.groups.save({ ...group, state: 'deleting' }, { mayLag: true })
      await settleGroup(context, group)
    })
    log.info({ groupSnapshot: id }, 'group snapshot deleted')
    return {}
  } finally {
    for (const release of releases) release()
  }
}

/** @throws DriverError INVALID_ARGUMENT unless these are the snapshots of the group, all of them */
function checkMembers({ id, members }: GroupRecord, snapshotIDs: readonly string[]): void {
  const own = new Set(members.map((member) => member.id))
  if (new Set(snapshotIDs).size === own.size && snapshotIDs.every((given) => own.has(given))) return
  throw invalidArgument(`snapshot_ids: the group snapshot ${id} has ${[...own].join(', ')}, and no others`)
}

/**
 * Removes a group with its snapshots: one whose end was decided, or that nobody was told of. Its record
 * goes last, so that what a crash leaves is found by it.
 */
export async function settleGroup(context: DriverContext, group: GroupRecord): Promise<void> {
  const { pool } = context
  for (const { id } of group.members) {
    const snapshot = pool.snapshots.get(id)
    // Where its record could neither be written nor taken back, the database may still have it.
    if (snapshot === undefined) await pool.snapshots.remove(id)
    else await settleSnapshot(context, { ...snapshot, state: 'deleting' })
  }
  await pool.groups.remove(group.id)
}

/**
 * What a driver does for a group at its start, before it looks at the group's snapshots: one that nobody was
 * told of goes, and one that is there is whole.
 */
export async function recoverGroup(context: DriverContext, group: GroupRecord): Promise<void> {
  const { pool, log } = context
  if (group.state !== 'ready') return settleGroup(context, group)
  for (const { id, sourceVolumeID, kind } of group.members) {
    if (pool.snapshots.has(id) || pool.snapshots.doubtOf(id) !== undefined) continue
    log.warn({ groupSnapshot: group.id, snapshot: id }, 'a snapshot of the group is lost')
    const { createTimeMs, parameters } = group
    await pool.snapshots.save({
      id,
      groupID: group.id,
      sourceVolumeID,
      kind,
      createTimeMs,
      parameters,
      state: 'failed',
      fault: 'it was lost before its copy was complete',
      sizeBytes: 0,
      usedBytes: 0,
    })
  }
}

/** A snapshot whose group is lost stands alone. In doubt, nothing is taken out of its group. */
export async function releaseOrphans({ pool, log }: DriverContext): Promise<void> {
  if (pool.groups.doubts().length > 0) return
  for (const snapshot of pool.snapshots.list()) {
    if (snapshot.groupID === undefined || pool.groups.has(snapshot.groupID)) continue
    log.warn({ groupSnapshot: snapshot.groupID, snapshot: snapshot.id }, 'its group is lost: it stands alone')
    const { groupID: _lost, ...alone } = snapshot
    await pool.snapshots.save(alone).catch((error: unknown) => {
      // Until the next start it can be removed by nobody, and is as good as before.
      log.warn({ snapshot: snapshot.id, error: errorMessage(error) }, 'it could not be recorded')
    })
  }
}

/** @throws DriverError INVALID_ARGUMENT for a snapshot that goes with its group alone, as CSI 1.12 has it */
export function refuseMember({ id, groupID }: SnapshotRecord): void {
  if (groupID === undefined) return
  throw invalidArgument(
    `snapshot ${id} is part of the group snapshot ${groupID}: DeleteVolumeGroupSnapshot removes all of it`,
  )
}
