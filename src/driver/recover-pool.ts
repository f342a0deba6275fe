import type { DriverContext } from './driver-context.ts'
import { settleSnapshot, settleVolume } from './settle.ts'
import { resumeCopy } from './snapshots.ts'

/** What a driver does before it answers its first call: the pool is made whole again. */
export async function recoverPool(context: DriverContext): Promise<void> {
  const { pool, log } = context
  // A record that only its sidecar knows, without data, was on its way in or out when the database was lost.
  for (const volume of await pool.volumes.reconcile()) {
    log.warn({ volume: volume.id }, 'volume taken up again from the file beside it')
    if (!pool.hasData(pool.volumePath(volume.id), volume.kind)) await pool.volumes.remove(volume.id)
  }
  for (const snapshot of await pool.snapshots.reconcile()) {
    log.warn({ snapshot: snapshot.id }, 'snapshot taken up again from the file beside it')
    if (!pool.hasData(pool.snapshotPath(snapshot.id), snapshot.kind)) await pool.snapshots.remove(snapshot.id)
  }
  for (const volume of pool.volumes.list()) await settleVolume(context, volume)
  for (const snapshot of pool.snapshots.list()) {
    if (snapshot.state !== 'copying') await settleSnapshot(context, snapshot)
    else await resumeCopy(context, snapshot)
  }
}
