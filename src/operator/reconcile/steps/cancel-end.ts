import { tombstoneID } from '../../plan/identity.ts'
import { recordedExternalID, type VolumeStep } from '../volume-seen.ts'

/** Cancels an end before its delete: removes the tombstone from Nomad; the external volume stays. */
export const cancelEnd: VolumeStep = {
  async act({ context, record, signal }) {
    const { end, ...rest } = record
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
