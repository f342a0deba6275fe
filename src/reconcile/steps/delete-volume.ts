import { tombstoneID } from '../../plan/identity.ts'
import type { VolumeRecord } from '../../plan/record.ts'
import { recordedExternalID, type VolumeStepInput } from '../volume-step.ts'

/** Deletes the external volume by its tombstone. From here on the end cannot be called off. */
export async function deleteVolume(input: VolumeStepInput): Promise<VolumeRecord> {
  const { context, record, secretValues, signal } = input
  const { namespace, pluginID } = record.declaration.spec
  const id = tombstoneID(record.key, recordedExternalID(record))
  const intended: VolumeRecord = { ...record, end: { phase: 'delete', tombstoneID: id } }
  await context.inventory.put(intended)
  try {
    await context.api.deleteVolume(namespace, id, secretValues, signal)
  } finally {
    context.observer.invalidate({ volume: { namespace, volumeID: id }, pluginID })
  }
  return intended
}
