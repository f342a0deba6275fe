import { tombstoneID } from '../../plan/identity.ts'
import type { VolumeRecord } from '../../plan/record.ts'
import { recordedExternalID, type VolumeStepInput } from '../volume-step.ts'

/** Calls off an end that has not reached its delete: the tombstone goes, the external volume stays. */
export async function cancelEnd({ context, record, signal }: VolumeStepInput): Promise<VolumeRecord> {
  const { end, ...rest } = record
  const { namespace } = record.declaration.spec
  const volumeID = end?.tombstoneID ?? tombstoneID(record.key, recordedExternalID(record))
  try {
    await context.api.deregisterVolume(namespace, volumeID, signal)
  } finally {
    context.observer.invalidate({ volume: { namespace, volumeID } })
  }
  return rest
}
