import { toOperationError } from '../../lib/errors.ts'
import type { VolumeRecord } from '../../plan/record.ts'
import type { VolumeStepInput } from '../volume-step.ts'
import { createVolume } from './create-volume.ts'
import { callOffRestore } from './undo-restore.ts'

/** Creates the successor from the snapshot. Where that is refused for good, the volume before it is put back. */
export async function restoreVolume(input: VolumeStepInput): Promise<VolumeRecord> {
  try {
    return await createVolume(input)
  } catch (error) {
    throw toOperationError(error).kind === 'permanent' ? await callOffRestore(input, error) : error
  }
}
