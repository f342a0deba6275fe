import { errorMessage } from '../lib/errors.ts'
import type { DriverContext, Faulty } from './driver-context.ts'
import { recoverGroup, releaseOrphans } from './group-snapshots.ts'
import type { Release } from './operation-locks.ts'
import type { SnapshotRecord, VolumeRecord } from './records.ts'
import { settleSnapshot, settleVolume } from './settle.ts'
import { resumeCopy } from './snapshot-copy.ts'

const retryMs = 30_000

/**
 * Makes the pool whole again, before the first call is answered. What cannot be brought to its end costs
 * itself: it is noted as a fault, and tried again in the background.
 */
export async function recoverPool(context: DriverContext): Promise<void> {
  const { pool, ledger, trash } = context
  for (const path of pool.leftovers) trash.add(path)
  for (const { id, capacityBytes } of pool.volumes.list()) {
    ledger.record({ holder: `volume:${id}`, bytes: capacityBytes })
  }
  for (const { id, usedBytes } of pool.snapshots.list()) {
    ledger.record({ holder: `snapshot:${id}`, bytes: usedBytes })
  }
  for (const { id } of pool.groups.list()) await attempt(context, `group:${id}`)
  await releaseOrphans(context)
  for (const volume of pool.volumes.list()) {
    if (volume.state !== 'ready') await attempt(context, `volume:${volume.id}`)
  }
  for (const snapshot of pool.snapshots.list()) {
    if (snapshot.state !== 'ready') await attempt(context, `snapshot:${snapshot.id}`)
  }
  retryLater(context)
}

function retryLater(context: DriverContext): void {
  const { clock, tasks } = context
  const cancel = clock.after(retryMs, () => tasks.track('bring to an end', retryFaults(context)))
  tasks.signal.addEventListener('abort', cancel, { once: true })
}

async function retryFaults(context: DriverContext): Promise<void> {
  for (const holder of [...context.faults.keys()]) await attempt(context, holder)
  if (!context.tasks.signal.aborted) retryLater(context)
}

async function attempt(context: DriverContext, what: Faulty): Promise<void> {
  const { faults, log } = context
  try {
    await finish(context, what)
    faults.delete(what)
  } catch (error) {
    faults.set(what, errorMessage(error))
    log.warn({ what, error: errorMessage(error) }, 'it stays half done for now; the next try is soon')
  }
}

async function finish(context: DriverContext, what: Faulty): Promise<void> {
  const { pool } = context
  const id = what.slice(what.indexOf(':') + 1)
  const volume = what.startsWith('volume:') ? pool.volumes.get(id) : undefined
  const snapshot = what.startsWith('snapshot:') ? pool.snapshots.get(id) : undefined
  const group = what.startsWith('group:') ? pool.groups.get(id) : undefined
  if (volume !== undefined) await finishVolume(context, volume)
  if (snapshot !== undefined) await finishSnapshot(context, snapshot)
  if (group !== undefined) {
    await withLocks(context, [`group-name:${group.name}`], () => recoverGroup(context, group))
  }
}

async function finishVolume(context: DriverContext, volume: VolumeRecord): Promise<void> {
  const keys =
    volume.state === 'creating' ? [`name:${volume.name}`] : [`volume:${volume.id}`, `existence:${volume.id}`]
  await withLocks(context, keys, () => settleVolume(context, volume))
}

async function finishSnapshot(context: DriverContext, snapshot: SnapshotRecord): Promise<void> {
  if (snapshot.state === 'copying') return resumeCopy(context, snapshot)
  await withLocks(context, [`snapshot:${snapshot.id}`], () => settleSnapshot(context, snapshot))
}

async function withLocks(
  { locks }: DriverContext,
  keys: readonly string[],
  work: () => Promise<unknown>,
): Promise<void> {
  const releases: Release[] = []
  try {
    for (const key of keys) releases.push(locks.acquire(key, 'exclusive', 'a call is at work on it'))
    await work()
  } finally {
    for (const release of releases) release()
  }
}
