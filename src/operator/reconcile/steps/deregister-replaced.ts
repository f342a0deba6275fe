import { identityOf, type VolumeStep } from '../volume-seen.ts'
import { undoAfterError } from './undo-restore.ts'

/**
 * Deregisters the volume that a restore replaces. If Nomad refuses because it is in use, the restore is undone instead of
 * waiting: a later restore would discard what was written in the meantime.
 */
export const deregisterReplaced: VolumeStep = {
  async act({ context, record, signal }) {
    const { namespace, volumeID } = identityOf(record)
    try {
      await context.api.deregisterVolume(namespace, volumeID, signal)
    } finally {
      context.observer.invalidate({ volume: { namespace, volumeID } })
    }
    return record
  },
  afterFailure({ record }, error) {
    const isRefused = error.kind === 'permanent' || error.kind === 'waiting'
    return isRefused ? undoAfterError(record, error) : { record }
  },
}
