import { tombstoneID } from '../../plan/identity.ts'
import type { VolumeRecord } from '../../plan/record.ts'
import { recordedExternalID, type VolumeStepInput } from '../volume-step.ts'
import { identityOf } from './create-volume.ts'

/** Takes the volume out of Nomad, which refuses while it is in use; nothing is destroyed either way. */
export async function deregisterVolume({ context, record, signal }: VolumeStepInput): Promise<VolumeRecord> {
  const { namespace, volumeID } = identityOf(record)
  const intended: VolumeRecord =
    record.declaration.spec.deletionPolicy === 'Delete'
      ? {
          ...record,
          end: { phase: 'deregister', tombstoneID: tombstoneID(record.key, recordedExternalID(record)) },
        }
      : record
  await context.inventory.put(intended)
  try {
    await context.api.deregisterVolume(namespace, volumeID, signal)
  } finally {
    context.observer.invalidate({ volume: { namespace, volumeID } })
  }
  return intended
}
