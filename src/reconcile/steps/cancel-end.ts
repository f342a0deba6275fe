import type { VolumeRecord } from '../../plan/record.ts'
import type { VolumeStepInput } from '../volume-step.ts'

/** Calls off an end that has not reached its delete: the tombstone goes, the external volume stays. */
export async function cancelEnd({ context, record, signal }: VolumeStepInput): Promise<VolumeRecord> {
  const { end, ...rest } = record
  const { namespace } = record.declaration.spec
  if (end === undefined) return rest
  try {
    await context.api.deregisterVolume(namespace, end.tombstoneID, signal)
  } finally {
    context.observer.invalidate({ volume: { namespace, volumeID: end.tombstoneID } })
  }
  return rest
}
