import { existsSync } from 'node:fs'
import { status } from '@grpc/grpc-js'
import type { CreateSnapshotRequest__Output } from '../csi/generated/csi/v1/CreateSnapshotRequest.ts'
import type { CreateSnapshotResponse } from '../csi/generated/csi/v1/CreateSnapshotResponse.ts'
import { delay } from '../lib/clock.ts'
import { errorMessage } from '../lib/errors.ts'
import { copyData, measureBytes } from './copy-data.ts'
import { describeSnapshot } from './describe.ts'
import type { DriverContext } from './driver-context.ts'
import { alreadyExists, DriverError, dataLoss, invalidArgument } from './driver-error.ts'
import { isLive, refuseIfWritten } from './live-copy.ts'
import { checkName, chooseID, isPoolID } from './names.ts'
import type { Release } from './operation-locks.ts'
import { removeTree } from './pool.ts'
import type { SnapshotRecord } from './records.ts'
import { settleSnapshot } from './settle.ts'
import { ensureNamesAreKnown, getVolume } from './volume-lookup.ts'

/**
 * CreateSnapshot: one snapshot per name. It waits a little for the copy; a long one goes on behind the
 * answer, and the snapshot is not ready to use until it is done.
 */
export async function createSnapshot(
  context: DriverContext,
  request: CreateSnapshotRequest__Output,
): Promise<CreateSnapshotResponse> {
  const { pool, locks, clock } = context
  const { name, sourceVolumeId: volumeID, parameters } = request
  checkName(name)
  if (volumeID === '') throw invalidArgument('source_volume_id is required')
  const live = isLive(parameters)
  const release = locks.acquire(
    `snapshot-name:${name}`,
    'exclusive',
    `a snapshot ${JSON.stringify(name)} is pending`,
  )
  try {
    await ensureNamesAreKnown(pool)
    const existing = pool.snapshots.findByName(name)
    if (existing !== undefined) return { snapshot: describeSnapshot(matchExisting(existing, volumeID)) }

    const volume = getVolume(pool, volumeID)
    if (!pool.hasData(pool.volumePath(volumeID), volume.kind)) {
      throw dataLoss(`the data of volume ${volumeID} is gone from the pool`)
    }
    if (!live) refuseIfWritten(volume, 'a snapshot')
    const snapshot: SnapshotRecord = {
      id: chooseID(name, (id) => pool.snapshots.get(id) !== undefined || existsSync(pool.snapshotPath(id))),
      name,
      state: 'copying',
      kind: volume.kind,
      sourceVolumeID: volumeID,
      sizeBytes: volume.capacityBytes,
      usedBytes: 0,
      createTimeMs: clock.now(),
      parameters,
    }
    const { copied } = await startCopy(context, snapshot)
    const waited = new AbortController()
    await Promise.race([copied.catch(() => undefined), delay(clock, context.snapshotWaitMs, waited.signal)])
    waited.abort()

    const current = pool.snapshots.get(snapshot.id) ?? snapshot
    if (current.state !== 'failed') return { snapshot: describeSnapshot(current) }
    // Nobody was told of it, so the next call may simply try again.
    await settleSnapshot(context, { ...current, state: 'deleting' })
    await copied
    throw new DriverError(status.INTERNAL, `snapshot ${snapshot.id} failed`)
  } finally {
    release()
  }
}

/** The same name again: the same snapshot, if it is of the same volume. */
function matchExisting(existing: SnapshotRecord, volumeID: string): SnapshotRecord {
  const { id } = existing
  if (existing.sourceVolumeID !== volumeID) {
    throw alreadyExists(`the snapshot ${id} of this name is of volume ${existing.sourceVolumeID}`)
  }
  if (existing.state === 'failed') {
    throw new DriverError(
      status.INTERNAL,
      `the copy for snapshot ${id} failed: ${existing.fault}. Delete the snapshot, and take another`,
    )
  }
  return existing
}

/**
 * Records the snapshot and begins its copy; the inner promise settles with the copy. While it runs the
 * volume cannot go away, nor unless it is live be published for writing.
 */
async function startCopy(
  context: DriverContext,
  snapshot: SnapshotRecord,
): Promise<{ copied: Promise<void> }> {
  const { pool, locks, tasks, log } = context
  const { id, sourceVolumeID } = snapshot
  const keys = [`existence:${sourceVolumeID}`, `snapshot:${id}`]
  if (!isLive(snapshot.parameters)) keys.push(`content:${sourceVolumeID}`)
  const releases: Release[] = []
  const release = () => {
    for (const releaseKey of releases) releaseKey()
  }
  try {
    for (const key of keys)
      releases.push(locks.acquire(key, 'shared', `volume ${sourceVolumeID} is being changed`))
    await pool.snapshots.save(snapshot)
  } catch (error) {
    release()
    throw error
  }
  const copied = copySnapshot(context, snapshot)
    .catch(async (error: unknown) => {
      // A driver that is told to stop takes the copy up again at its next start.
      if (!tasks.signal.aborted) {
        await pool.snapshots.save({ ...snapshot, state: 'failed', fault: errorMessage(error) })
        log.error({ snapshot: id, error: errorMessage(error) }, 'snapshot failed')
      }
      throw error
    })
    .finally(release)
  // Its failure is logged above, and told to the caller if that still waits.
  tasks.track(
    'copy snapshot',
    copied.catch(() => undefined),
  )
  return { copied }
}

async function copySnapshot(context: DriverContext, snapshot: SnapshotRecord): Promise<void> {
  const { pool, log, tasks } = context
  const { id, sourceVolumeID } = snapshot
  const path = pool.snapshotPath(id)
  // It is there already where a crash came between the rename and the record.
  if (!pool.hasData(path, snapshot.kind)) {
    const staging = pool.stagingPath(id)
    try {
      await copyData(pool.volumePath(sourceVolumeID), staging, tasks.signal)
      await pool.reveal(staging, path)
    } catch (error) {
      await removeTree(staging, log)
      throw error
    }
  }
  const usedBytes = await measureBytes(path, tasks.signal)
  // A directory that nobody promised a size needs at least what is in it.
  const sizeBytes = snapshot.sizeBytes === 0 ? usedBytes : snapshot.sizeBytes
  await pool.snapshots.save({ ...snapshot, state: 'ready', usedBytes, sizeBytes })
  log.info({ snapshot: id, volume: sourceVolumeID, usedBytes }, 'snapshot ready')
}

/**
 * Takes up a copy that the last process did not finish. The volume has not been written to since, as a
 * writable publication is refused while the record says `copying`.
 */
export async function resumeCopy(context: DriverContext, snapshot: SnapshotRecord): Promise<void> {
  await startCopy(context, snapshot)
}

/** DeleteSnapshot: what is not there is deleted. */
export async function deleteSnapshot(context: DriverContext, id: string): Promise<Record<string, never>> {
  const { pool, locks, log } = context
  if (id === '') throw invalidArgument('snapshot_id is required')
  if (!isPoolID(id)) return {}
  const release = locks.acquire(`snapshot:${id}`, 'exclusive', `snapshot ${id} is being copied`)
  try {
    const snapshot = pool.snapshots.get(id)
    if (snapshot === undefined) return {}
    const deleting: SnapshotRecord = { ...snapshot, state: 'deleting' }
    await pool.snapshots.save(deleting)
    await settleSnapshot(context, deleting)
    log.info({ snapshot: id }, 'snapshot deleted')
    return {}
  } finally {
    release()
  }
}
