import type { DriverContext } from './driver-context.ts'
import { failedPrecondition, invalidArgument } from './driver-error.ts'
import { isPoolID } from './names.ts'
import { settleVolume } from './settle.ts'
import { findVolume } from './volume-lookup.ts'
import { describeUses, settledUses } from './volume-use.ts'

/**
 * DeleteVolume: what is not there is deleted. The volume is gone when this resolves; freeing its blocks
 * goes on behind it.
 */
export async function deleteVolume(context: DriverContext, id: string): Promise<Record<string, never>> {
  const { pool, locks, clock, log } = context
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
    await pool.volumes.save({ ...volume, state: 'deleting' })
    await settleVolume(context, { ...volume, state: 'deleting' })
    log.info({ volume: id }, 'volume deleted')
    return {}
  } finally {
    for (const release of releases) release()
  }
}
