import { momentOf } from '../../../lib/clock.ts'
import { OperationError } from '../../../lib/errors.ts'
import { tombstoneID } from '../../plan/identity.ts'
import { snapshotsOf } from '../gather-end.ts'
import { recordedExternalID, type VolumeStep } from '../volume-seen.ts'

/**
 * Deletes the external volume through its tombstone. From now on the end cannot be cancelled, unless the plugin refuses:
 * then nothing has changed (CSI spec, DeleteVolume), and the plan decides when to retry.
 */
export const deleteVolume: VolumeStep = {
  intend({ record }) {
    const id = tombstoneID(record.key, recordedExternalID(record))
    const { declaration } = record
    return { ...record, end: { phase: 'delete', tombstoneID: id, declaration } }
  },
  async act({ context, record, seen: { secretValues }, signal }) {
    const { namespace, pluginID } = record.declaration.spec
    const volumeID = tombstoneID(record.key, recordedExternalID(record))
    try {
      await context.api.deleteVolume(namespace, volumeID, secretValues, signal)
    } finally {
      context.observer.invalidate({ volume: { namespace, volumeID }, pluginID })
    }
    return record
  },
  async afterFailure({ context, record, before, seen }, { reason, message }) {
    if (reason !== 'DeleteRefused') return { record }
    const { observer, clock } = context
    const { pluginID } = record.declaration.spec
    observer.invalidate({ pluginID })
    const plugin = seen.plugin ?? (await observer.plugin(pluginID))
    const snapshotIDs = await snapshotsOf(observer, plugin, recordedExternalID(record))
    // If a repeat is refused, an earlier call may still be running.
    const isRepeat = before.end?.phase === 'delete'
    const { declaration } = record
    const id = tombstoneID(record.key, recordedExternalID(record))
    return {
      record: {
        ...record,
        end: {
          ...(isRepeat
            ? { phase: 'delete' as const, declaration }
            : { phase: 'register-tombstone' as const }),
          tombstoneID: id,
          refusal: { message, snapshotIDs, at: momentOf(clock) },
        },
      },
      // The next pass starts at once and reports the reason.
      error: new OperationError(message, { kind: 'waiting', reason: 'DeleteRefused', retryAfterMs: 0 }),
    }
  },
}
