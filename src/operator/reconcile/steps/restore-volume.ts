import type { VolumeStep } from '../volume-seen.ts'
import { createVolume } from './create-volume.ts'
import { registerExternal } from './register-volume.ts'
import { undoAfterError } from './undo-restore.ts'

/** Creates the successor from the snapshot, or registers the volume to go back to. A permanent error undoes the restore. */
export const restoreVolume: VolumeStep = {
  // A register needs no intent: Nomad refuses another external volume under the ID.
  intend: (input) => (input.record.restore?.backTo === undefined ? createVolume.intend(input) : input.record),
  async act(input) {
    const { record, seen } = input
    const { backTo, csiName, context } = record.restore ?? {}
    if (backTo === undefined || csiName === undefined) return createVolume.act(input)
    await registerExternal(input, { csiName, externalID: backTo, context })
    return { ...record, applied: seen.hashes }
  },
  async afterFailure(input, error) {
    const after =
      input.record.restore?.backTo === undefined ? await createVolume.afterFailure?.(input, error) : undefined
    const { record } = after ?? input
    return error.kind === 'permanent' ? undoAfterError(record, error) : { record }
  },
}
