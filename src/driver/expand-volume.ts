import type { ControllerExpandVolumeRequest__Output } from '../csi/generated/csi/v1/ControllerExpandVolumeRequest.ts'
import type { ControllerExpandVolumeResponse } from '../csi/generated/csi/v1/ControllerExpandVolumeResponse.ts'
import { chooseCapacity, parseCapacityRange } from './capacity.ts'
import type { DriverContext } from './driver-context.ts'
import { invalidArgument } from './driver-error.ts'
import { requireVolumeData } from './volume-data.ts'
import { getVolume } from './volume-lookup.ts'

/** ControllerExpandVolume, published or not. A volume never gets smaller. */
export async function expandVolume(
  context: DriverContext,
  request: ControllerExpandVolumeRequest__Output,
): Promise<ControllerExpandVolumeResponse> {
  const { pool, files, locks, ledger, quota, log } = context
  const { volumeId: id } = request
  if (id === '') throw invalidArgument('volume_id is required')
  if (request.capacityRange === null) throw invalidArgument('capacity_range is required')
  const bounds = parseCapacityRange(request.capacityRange)
  const release = locks.acquire(`volume:${id}`, 'exclusive', `an operation is pending for volume ${id}`)
  try {
    const volume = getVolume(pool, id)
    const path = requireVolumeData(pool, volume)
    const capacityBytes = chooseCapacity(bounds, {
      leastBytes: volume.capacityBytes,
      availableBytes: ledger.availableBytes(),
      kind: volume.kind,
    })
    const moreBytes = capacityBytes - volume.capacityBytes
    if (moreBytes > 0) {
      const undo = ledger.reserve([{ holder: `volume:${id}`, bytes: capacityBytes }])
      try {
        if (volume.kind === 'block') {
          await files.truncate(path, capacityBytes)
          await files.sync(path)
        }
        if (volume.projectID !== undefined && quota.type === 'enforced') {
          await quota.limit(volume.projectID, capacityBytes)
        }
        await pool.volumes.save({ ...volume, capacityBytes })
      } catch (error) {
        undo()
        throw error
      }
      log.info({ volume: id, capacityBytes }, 'volume expanded')
    }
    return {
      capacityBytes: BigInt(capacityBytes),
      // A loop device shows the new size once the node re-reads it.
      nodeExpansionRequired: volume.kind === 'block' && volume.stagings.length > 0,
    }
  } finally {
    release()
  }
}
