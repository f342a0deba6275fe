import type { DriverContext } from './driver-context.ts'
import { removeTree } from './pool.ts'
import type { SnapshotRecord, VolumeRecord } from './records.ts'

type Basics = Pick<DriverContext, 'pool' | 'files' | 'ledger' | 'quota' | 'tasks' | 'log'>

/**
 * Ends what a crash or an error left half done, one of
 * - `creating` and its data is visible: it is ready, only the record lagged behind;
 * - `creating` and it is not: nobody was told of it, so it never was;
 * - `deleting`: the deletion is finished.
 * Gives the record that is left, if one is.
 */
export async function settleVolume(context: Basics, volume: VolumeRecord): Promise<VolumeRecord | undefined> {
  const { pool, ledger, quota } = context
  if (volume.state === 'ready') return volume
  if (volume.state === 'creating' && pool.hasData(pool.volumePath(volume.id), volume.kind)) {
    const ready: VolumeRecord = { ...volume, state: 'ready' }
    await pool.volumes.save(ready)
    return ready
  }
  if (volume.projectID !== undefined && quota.type === 'enforced') await quota.limit(volume.projectID, 0)
  if (volume.state === 'deleting') await free(context, pool.volumePath(volume.id))
  await pool.volumes.remove(volume.id)
  ledger.record({ holder: `volume:${volume.id}`, bytes: 0 })
  return undefined
}

/** Ends the deletion of a snapshot. */
export async function settleSnapshot(context: Basics, snapshot: SnapshotRecord): Promise<void> {
  if (snapshot.state !== 'deleting') return
  await free(context, context.pool.snapshotPath(snapshot.id))
  await context.pool.snapshots.remove(snapshot.id)
  context.ledger.record({ holder: `snapshot:${snapshot.id}`, bytes: 0 })
}

/** Takes data out of sight at once, and frees its blocks behind the answer. */
async function free({ pool, files, tasks, log }: Basics, path: string): Promise<void> {
  const hidden = await pool.hide(path)
  if (hidden !== undefined) tasks.track('free deleted data', removeTree(files, hidden, log))
}
