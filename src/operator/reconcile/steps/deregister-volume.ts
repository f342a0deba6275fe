import { tombstoneID } from '../../plan/identity.ts'
import { identityOf, recordedExternalID, type VolumeStep } from '../volume-seen.ts'

/** Deregisters the volume from Nomad, which refuses while it is in use. No data is destroyed. */
export const deregisterVolume: VolumeStep = {
  intend({ record }) {
    if (record.declaration.spec.deletionPolicy !== 'Delete') return record
    const id = tombstoneID(record.key, recordedExternalID(record))
    return { ...record, end: { phase: 'deregister', tombstoneID: id } }
  },
  async act({ context, record, signal }) {
    const { namespace, volumeID } = identityOf(record)
    try {
      await context.api.deregisterVolume(namespace, volumeID, signal)
    } finally {
      context.observer.invalidate({ volume: { namespace, volumeID } })
    }
    return record
  },
}
