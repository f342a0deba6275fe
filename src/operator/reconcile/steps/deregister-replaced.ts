import { identityOf, type VolumeStep } from '../volume-seen.ts'
import { callOffRestore } from './undo-restore.ts'

/**
 * Takes the volume that is to be replaced out of Nomad, whose own check for claims decides. In use is no
 * reason to wait: a restore at some later time would be of data that somebody went on writing.
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
    return isRefused ? callOffRestore(record, error) : { record }
  },
}
