import { existsSync } from 'node:fs'
import { status } from '@grpc/grpc-js'
import type { CreateSnapshotRequest__Output } from '../csi/generated/csi/v1/CreateSnapshotRequest.ts'
import type { CreateSnapshotResponse } from '../csi/generated/csi/v1/CreateSnapshotResponse.ts'
import { delay } from '../lib/clock.ts'
import { errorMessage } from '../lib/errors.ts'
import { describeSnapshot } from './describe.ts'
import type { DriverContext } from './driver-context.ts'
import { alreadyExists, DriverError, invalidArgument, isNoRoom } from './driver-error.ts'
import { refuseMember } from './group-snapshots.ts'
import { isLive, isLiveCopy } from './live-copy.ts'
import { checkName, chooseID, isPoolID } from './names.ts'
import type { SnapshotRecord } from './records.ts'
import { settleSnapshot } from './settle.ts'
import { holdForSnapshot, measureSource, startCopy } from './snapshot-copy.ts'
import { requireSnapshotData } from './volume-data.ts'
import { ensureNameIsKnown, findSnapshot, getVolume } from './volume-lookup.ts'

/**
 * CreateSnapshot: one snapshot per name. It waits a little for the copy. A long one goes on behind the
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
  isLive(parameters)
  const release = locks.acquire(
    `snapshot-name:${name}`,
    'exclusive',
    `a snapshot ${JSON.stringify(name)} is pending`,
  )
  try {
    ensureNameIsKnown(pool.snapshots, name)
    const existing = pool.snapshots.findByName(name)
    if (existing !== undefined)
      return { snapshot: describeSnapshot(context, matchExisting(context, existing, volumeID)) }

    const { snapshot, copied } = await beginSnapshot(context, { name, volumeID, parameters })
    const waited = new AbortController()
    await Promise.race([copied.catch(() => undefined), delay(clock, context.snapshotWaitMs, waited.signal)])
    waited.abort()

    const current = pool.snapshots.get(snapshot.id) ?? snapshot
    if (current.state !== 'failed') return { snapshot: describeSnapshot(context, current) }
    // Nobody was told of it, so the next call may simply try again.
    await settleSnapshot(context, { ...current, state: 'deleting' })
    await copied
    throw new DriverError(status.INTERNAL, `snapshot ${snapshot.id} failed`)
  } finally {
    release()
  }
}

interface WantedSnapshot {
  readonly name: string
  readonly volumeID: string
  readonly parameters: Record<string, string>
}

async function beginSnapshot(
  context: DriverContext,
  { name, volumeID, parameters }: WantedSnapshot,
): Promise<{ snapshot: SnapshotRecord; copied: Promise<void> }> {
  const { pool, ledger, clock } = context
  const volume = getVolume(pool, volumeID)
  const held = holdForSnapshot(context, volume, isLiveCopy(parameters, volume))
  let undo: (() => void) | undefined
  try {
    const usedBytes = await measureSource(context, held)
    const isTaken = (id: string) => pool.snapshots.has(id) || existsSync(pool.snapshotPath(id))
    const snapshot: SnapshotRecord = {
      id: chooseID(name, isTaken),
      name,
      state: 'copying',
      kind: held.volume.kind,
      sourceVolumeID: volumeID,
      sizeBytes: held.volume.capacityBytes,
      usedBytes,
      createTimeMs: clock.now(),
      parameters,
    }
    // From the choice of the ID to the first await nothing else runs, so neither it nor the space is given twice.
    undo = ledger.reserve([{ holder: `snapshot:${snapshot.id}`, bytes: usedBytes }])
    return { snapshot, ...(await startCopy(context, snapshot, held.release)) }
  } catch (error) {
    undo?.()
    held.release()
    throw error
  }
}

/** The same name again: the same snapshot, if it is of the same volume. */
function matchExisting({ pool }: DriverContext, existing: SnapshotRecord, volumeID: string): SnapshotRecord {
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
  if (existing.state === 'ready') requireSnapshotData(pool, existing)
  return existing
}

/** DeleteSnapshot: what is not there is deleted. */
export async function deleteSnapshot(context: DriverContext, id: string): Promise<Record<string, never>> {
  const { pool, locks, tasks, log } = context
  if (id === '') throw invalidArgument('snapshot_id is required')
  if (!isPoolID(id)) return {}
  const release = locks.acquire(`snapshot:${id}`, 'exclusive', `snapshot ${id} is being copied`)
  try {
    const snapshot = pool.snapshots.get(id) ?? findSnapshot(pool, id)
    if (snapshot === undefined) return {}
    refuseMember(snapshot)
    await pool.ballast.withRoom(() => endSnapshot(context, snapshot))
    tasks.track('keep room', pool.ballast.restore())
    log.info({ snapshot: id }, 'snapshot deleted')
    return {}
  } finally {
    release()
  }
}

async function endSnapshot(context: DriverContext, snapshot: SnapshotRecord): Promise<void> {
  const { pool, faults, log } = context
  const deleting: SnapshotRecord = { ...snapshot, state: 'deleting' }
  try {
    await pool.snapshots.begin(deleting)
  } catch (error) {
    if (!isNoRoom(error) || pool.ballast.isThere()) throw error
    log.warn({ snapshot: snapshot.id }, 'no room to record the deletion before it begins')
  }
  try {
    await settleSnapshot(context, deleting)
    faults.delete(`snapshot:${snapshot.id}`)
  } catch (error) {
    faults.set(`snapshot:${snapshot.id}`, errorMessage(error))
    throw error
  }
}
