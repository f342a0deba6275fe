import { tombstoneID } from '../../plan/identity.ts'
import { recordedExternalID, type VolumeStep } from '../volume-seen.ts'

/**
 * Cancels an end before its delete: removes the tombstone from Nomad; the external volume stays. Its final snapshot stays
 * too, but counts no more: the volume is written to again, so a later end takes another one.
 */
export const cancelEnd: VolumeStep = {
  async act({ context, record, signal }) {
    const { end, finalSnapshot: _, ...rest } = record
    const { namespace } = record.declaration.spec
    const volumeID = end?.tombstoneID ?? tombstoneID(record.key, recordedExternalID(record))
    try {
      await context.api.deregisterVolume(namespace, volumeID, signal)
    } finally {
      context.observer.invalidate({ volume: { namespace, volumeID } })
    }
    return rest
  },
}
