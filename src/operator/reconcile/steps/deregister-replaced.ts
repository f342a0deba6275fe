import { toOperationError } from '../../../lib/errors.ts'
import type { VolumeRecord } from '../../plan/record.ts'
import type { VolumeStepInput } from '../volume-step.ts'
import { identityOf } from './create-volume.ts'
import { callOffRestore } from './undo-restore.ts'

/**
 * Takes the volume that is to be replaced out of Nomad, whose own check for claims decides. In use is no
 * reason to wait: a restore at some later time would be of data that somebody went on writing.
 */
export async function deregisterReplaced(input: VolumeStepInput): Promise<VolumeRecord> {
  const { context, record, signal } = input
  const { namespace, volumeID } = identityOf(record)
  try {
    await context.api.deregisterVolume(namespace, volumeID, signal)
  } catch (error) {
    const { kind } = toOperationError(error)
    if (kind === 'permanent' || kind === 'waiting') throw await callOffRestore(input, error)
    throw error
  } finally {
    context.observer.invalidate({ volume: { namespace, volumeID } })
  }
  return record
}
