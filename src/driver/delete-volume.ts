import { errorMessage } from '../lib/errors.ts'
import type { DriverContext } from './driver-context.ts'
import { failedPrecondition, invalidArgument, isNoRoom } from './driver-error.ts'
import { settledUses } from './mount-uses.ts'
import { isPoolID } from './names.ts'
import type { VolumeRecord } from './records.ts'
import { settleVolume } from './settle.ts'
import { findVolume } from './volume-lookup.ts'
import { describeUses } from './volume-use.ts'

/**
 * DeleteVolume: what is not there is deleted. The volume is gone when this resolves. Its blocks are freed
 * behind the answer. It works on a full file system, too.
 */
export async function deleteVolume(context: DriverContext, id: string): Promise<Record<string, never>> {
  const { pool, locks, clock, tasks, log } = context
  if (id === '') throw invalidArgument('volume_id is required')
  if (!isPoolID(id)) return {}
  const releases = [locks.acquire(`volume:${id}`, 'exclusive', `an operation is pending for volume ${id}`)]
  try {
    releases.push(locks.acquire(`existence:${id}`, 'exclusive', `volume ${id} is being copied`))
    const record = pool.volumes.get(id)
    const volume = record?.state === 'deleting' ? record : findVolume(pool, id)
    if (volume === undefined) return {}
    const uses = await settledUses(clock, () => describeUses(pool, volume))
    if (uses.length > 0) throw failedPrecondition(`volume ${id} is in use: ${uses.join(', ')}`)
    await pool.ballast.withRoom(() => endVolume(context, volume))
    tasks.track('keep room', pool.ballast.restore())
    log.info({ volume: id }, 'volume deleted')
    return {}
  } finally {
    for (const release of releases) release()
  }
}

async function endVolume(context: DriverContext, volume: VolumeRecord): Promise<void> {
  const { pool, faults, log } = context
  const deleting: VolumeRecord = { ...volume, state: 'deleting' }
  try {
    await pool.volumes.begin(deleting)
  } catch (error) {
    if (!isNoRoom(error) || pool.ballast.isThere()) throw error
    // Without the intent a crash half way leaves a volume whose data is gone: what was asked for, but for the record.
    log.warn({ volume: volume.id }, 'no room to record the deletion before it begins')
  }
  try {
    await settleVolume(context, deleting)
    faults.delete(`volume:${volume.id}`)
  } catch (error) {
    if (pool.hasData(pool.volumePath(volume.id), volume.kind)) await stay(context, volume)
    else faults.set(`volume:${volume.id}`, errorMessage(error))
    throw error
  }
}

/** What could not be taken out of its place is what it was. */
async function stay({ pool, faults }: DriverContext, volume: VolumeRecord): Promise<void> {
  if (volume.state !== 'ready') return
  await pool.volumes.save(volume).catch((error: unknown) => {
    faults.set(`volume:${volume.id}`, `its deletion failed half way (${errorMessage(error)})`)
  })
}
