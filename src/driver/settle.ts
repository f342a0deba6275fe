import { status } from '@grpc/grpc-js'
import type { DriverContext } from './driver-context.ts'
import { DriverError, isNoRoom } from './driver-error.ts'
import type { SnapshotRecord, VolumeRecord } from './records.ts'
import { isDataCovered } from './volume-data.ts'

type Basics = Pick<DriverContext, 'pool' | 'files' | 'ledger' | 'quota' | 'trash' | 'log'>

/**
 * Ends what a crash or an error left half done, one of
 * - `creating` and its data is visible: it is ready, only the record lagged behind.
 * - `creating` and it is not: nobody was told of it, so it never was.
 * - `deleting`: the deletion is finished.
 * Gives the record that is left, if one is.
 */
export async function settleVolume(context: Basics, volume: VolumeRecord): Promise<VolumeRecord | undefined> {
  const { pool, ledger, quota } = context
  if (volume.state === 'ready') return volume
  if (volume.state === 'creating' && pool.hasData(pool.volumePath(volume.id), volume.kind)) {
    const ready: VolumeRecord = { ...volume, state: 'ready' }
    // Whoever made it visible may have been killed before that was on the disk.
    await pool.volumes.syncDirectory()
    await pool.volumes.save(ready)
    return ready
  }
  if (volume.projectID !== undefined && quota.type === 'enforced') await quota.limit(volume.projectID, 0)
  await endData(context, {
    path: pool.volumePath(volume.id),
    isVisible: volume.state === 'deleting',
    removeRecord: () => pool.volumes.remove(volume.id),
  })
  ledger.record({ holder: `volume:${volume.id}`, bytes: 0 })
  return undefined
}

/** Takes away what a copy left that failed after its data was in place: nobody would count it. */
export async function removeFailedCopy({ pool, trash }: Basics, id: string): Promise<void> {
  const hidden = await pool.hide(pool.snapshotPath(id))
  if (hidden !== undefined) trash.add(hidden)
}

/** Ends the deletion of a snapshot, and what a failed one has left. */
export async function settleSnapshot(context: Basics, snapshot: SnapshotRecord): Promise<void> {
  if (snapshot.state === 'failed') await removeFailedCopy(context, snapshot.id)
  if (snapshot.state !== 'deleting') return
  const { pool, ledger } = context
  await endData(context, {
    path: pool.snapshotPath(snapshot.id),
    isVisible: true,
    removeRecord: () => pool.snapshots.remove(snapshot.id),
  })
  ledger.record({ holder: `snapshot:${snapshot.id}`, bytes: 0 })
}

/** Takes data out of sight at once, forgets its record, and frees its blocks behind the answer. */
async function endData(
  { pool, trash, log }: Basics,
  { path, isVisible, removeRecord }: { path: string; isVisible: boolean; removeRecord: () => Promise<void> },
): Promise<void> {
  if (isDataCovered(path)) {
    throw new DriverError(status.FAILED_PRECONDITION, `something is mounted on ${path}: unmount that first`)
  }
  const hidden = isVisible ? await pool.hide(path) : undefined
  let freed: Promise<void> | undefined
  try {
    await removeRecord()
  } catch (error) {
    if (!isNoRoom(error) || hidden === undefined) throw error
    log.warn({ path }, 'no room to forget a deleted record: its data is freed first')
    freed = trash.free(hidden)
    await freed
    await removeRecord()
  } finally {
    if (hidden !== undefined && freed === undefined) trash.add(hidden)
  }
}
