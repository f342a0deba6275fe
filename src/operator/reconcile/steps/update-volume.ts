import type { VolumeRecord } from '../../plan/record.ts'
import { updateVolumeRequest } from '../../plan/volume-request.ts'
import { secretsField, type VolumeStepInput } from '../volume-step.ts'
import { identityOf } from './create-volume.ts'

/**
 * Changes what may change, growth included: Nomad has one call for both. By Register where the
 * declaration names the external volume, else by Create, which updates a volume that exists.
 */
export async function updateVolume(input: VolumeStepInput): Promise<VolumeRecord> {
  const { context, record, volume, hashes, updateHash, signal } = input
  if (volume === undefined) throw new Error(`${record.key}: nothing to update`)
  const { spec } = record.declaration
  const body = { ...updateVolumeRequest(spec, volume), ...secretsField(input) }
  try {
    if (spec.externalID === undefined) await context.api.createVolume(body, signal)
    else await context.api.registerVolume(body, signal)
  } finally {
    context.observer.invalidate({ volume: identityOf(record) })
  }
  return { ...record, applied: hashes, ...(updateHash === undefined ? {} : { lastUpdateHash: updateHash }) }
}
