import { tombstoneID } from '../../plan/identity.ts'
import type { VolumeRecord } from '../../plan/record.ts'
import { newVolumeRequest } from '../../plan/volume-request.ts'
import { recordedExternalID, secretsField, type VolumeStepInput } from '../volume-step.ts'

/** Registers the external volume under an ID that nobody claims, so that its delete can reach no volume in use. */
export async function registerTombstone(input: VolumeStepInput): Promise<VolumeRecord> {
  const { context, record, signal } = input
  const { capacity: _, ...spec } = record.declaration.spec
  const externalID = recordedExternalID(record)
  const id = tombstoneID(record.key, externalID)
  const intended: VolumeRecord = { ...record, end: { phase: 'register-tombstone', tombstoneID: id } }
  await context.inventory.put(intended)
  try {
    const { csiName, context: recorded } = record
    const request = newVolumeRequest(spec, {
      csiName,
      externalID,
      ...(recorded === undefined ? {} : { context: recorded }),
    })
    await context.api.registerVolume({ ...request, ID: id, ...secretsField(input) }, signal)
  } finally {
    context.observer.invalidate({ volume: { namespace: spec.namespace, volumeID: id } })
  }
  return intended
}
