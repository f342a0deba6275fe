import type { VolumeRecord } from '../../plan/record.ts'
import { newVolumeRequest } from '../../plan/volume-request.ts'
import { recordedExternalID, secretsField, type VolumeStepInput } from '../volume-step.ts'
import { identityOf } from './create-volume.ts'

/** Registers an external volume that exists. Safe to repeat: the same body changes nothing. */
export async function registerVolume(input: VolumeStepInput): Promise<VolumeRecord> {
  const { context, record, hashes, signal } = input
  const externalID = recordedExternalID(record)
  const { spec } = record.declaration
  const { csiName, context: recorded } = record
  const request = newVolumeRequest(spec, {
    csiName,
    externalID,
    ...(recorded === undefined ? {} : { context: recorded }),
  })
  try {
    await context.api.registerVolume({ ...request, ...secretsField(input) }, signal)
  } finally {
    context.observer.invalidate({ volume: identityOf(record) })
  }
  return { ...record, externalID, applied: hashes }
}
