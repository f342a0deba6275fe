import type { VolumeStep } from '../volume-seen.ts'
import { createVolume } from './create-volume.ts'
import { registerExternal } from './register-volume.ts'
import { callOffRestore } from './undo-restore.ts'

/**
 * Creates the successor from the snapshot, or registers the volume to go back to. Where that is refused for
 * good, the volume before it is put back.
 */
export const restoreVolume: VolumeStep = {
  // To register again takes no intent: Nomad refuses another external volume under the ID.
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
    return error.kind === 'permanent' ? callOffRestore(record, error) : { record }
  },
}
