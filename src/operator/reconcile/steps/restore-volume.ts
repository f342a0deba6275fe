import { toOperationError } from '../../../lib/errors.ts'
import type { VolumeRecord } from '../../plan/record.ts'
import { newVolumeRequest } from '../../plan/volume-request.ts'
import { secretsField, type VolumeStepInput } from '../volume-step.ts'
import { createVolume, identityOf } from './create-volume.ts'
import { callOffRestore } from './undo-restore.ts'

/**
 * Creates the successor from the snapshot, or registers the volume to go back to. Where that is refused for
 * good, the volume before it is put back.
 */
export async function restoreVolume(input: VolumeStepInput): Promise<VolumeRecord> {
  try {
    return await (input.record.restore?.backTo === undefined ? createVolume(input) : registerAgain(input))
  } catch (error) {
    throw toOperationError(error).kind === 'permanent' ? await callOffRestore(input, error) : error
  }
}

/** Safe to repeat, so that it takes no intent: Nomad refuses another external volume under the ID. */
async function registerAgain(input: VolumeStepInput): Promise<VolumeRecord> {
  const { context, record, hashes, signal } = input
  const { backTo, csiName, context: recorded } = record.restore ?? {}
  if (backTo === undefined || csiName === undefined) throw new Error(`${record.key}: nothing to go back to`)
  const { spec } = record.declaration
  const request = newVolumeRequest(spec, {
    csiName,
    externalID: backTo,
    ...(recorded === undefined ? {} : { context: recorded }),
  })
  try {
    await context.api.registerVolume({ ...request, ...secretsField(input) }, signal)
  } finally {
    context.observer.invalidate({ volume: identityOf(record) })
  }
  return { ...record, applied: hashes }
}
