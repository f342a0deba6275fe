import type { DriverContext } from './driver-context.ts'
import { recoverGroups } from './group-snapshots.ts'
import { settleSnapshot, settleVolume } from './settle.ts'
import { resumeCopy } from './snapshot-copy.ts'

/** What a driver does before it answers its first call: the pool is made whole again. */
export async function recoverPool(context: DriverContext): Promise<void> {
  const { pool, ledger, log } = context
  // A record that only its sidecar knows, without data, was on its way in or out when the database was lost.
  for (const volume of await pool.volumes.reconcile()) {
    log.warn({ volume: volume.id }, 'volume taken up again from the file beside it')
    if (!pool.hasData(pool.volumePath(volume.id), volume.kind)) await pool.volumes.remove(volume.id)
  }
  for (const snapshot of await pool.snapshots.reconcile()) {
    log.warn({ snapshot: snapshot.id }, 'snapshot taken up again from the file beside it')
    if (!pool.hasData(pool.snapshotPath(snapshot.id), snapshot.kind)) await pool.snapshots.remove(snapshot.id)
  }
  for (const group of await pool.groups.reconcile()) {
    log.warn({ groupSnapshot: group.id }, 'group snapshot taken up again from the file beside it')
  }
  await recoverGroups(context)
  for (const volume of pool.volumes.list()) {
    ledger.record({ holder: `volume:${volume.id}`, bytes: volume.capacityBytes })
    await settleVolume(context, volume)
  }
  for (const snapshot of pool.snapshots.list()) {
    ledger.record({ holder: `snapshot:${snapshot.id}`, bytes: snapshot.usedBytes })
    if (snapshot.state !== 'copying') await settleSnapshot(context, snapshot)
    else await resumeCopy(context, snapshot)
  }
}
