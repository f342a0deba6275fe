import { momentOf } from '../../../lib/clock.ts'
import { OperationError } from '../../../lib/errors.ts'
import { tombstoneID } from '../../plan/identity.ts'
import { isDeleteOpen } from '../../plan/open-delete.ts'
import { assertNotCancelled } from '../absence.ts'
import { snapshotsOf } from '../gather-end.ts'
import { recordedExternalID, type VolumeStep } from '../volume-seen.ts'

/**
 * Deletes the external volume through its tombstone. From now on the end cannot be cancelled, unless the plugin refuses:
 * then nothing has changed (CSI spec, DeleteVolume), and the plan decides when to retry.
 */
export const deleteVolume: VolumeStep = {
  intend({ context, record }) {
    const id = tombstoneID(record.key, recordedExternalID(record))
    const { declaration } = record
    return {
      ...record,
      end: { phase: 'delete', sent: momentOf(context.clock), tombstoneID: id, declaration },
    }
  },
  async act({ context, record, seen: { secretValues }, signal }) {
    assertNotCancelled(context, record)
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
    if (reason === 'EndCancelled') return { record: before }
    if (reason !== 'DeleteRefused') return { record }
    const { observer, clock } = context
    const { pluginID } = record.declaration.spec
    observer.invalidate({ pluginID })
    const plugin = seen.plugin ?? (await observer.plugin(pluginID))
    const snapshotIDs = await snapshotsOf(observer, plugin, recordedExternalID(record))
    // If a repeat is refused, an earlier call may still be running.
    const earlier = isDeleteOpen(before.end, context.time()) ? before.end : undefined
    const { declaration } = record
    const id = tombstoneID(record.key, recordedExternalID(record))
    return {
      record: {
        ...record,
        end: {
          ...(earlier === undefined
            ? { phase: 'register-tombstone' as const }
            : { phase: 'delete' as const, declaration, ...(earlier.sent && { sent: earlier.sent }) }),
          tombstoneID: id,
          refusal: { message, snapshotIDs, at: momentOf(clock) },
        },
      },
      // The next pass starts at once and reports the reason.
      error: new OperationError(message, { kind: 'waiting', reason: 'DeleteRefused', retryAfterMs: 0 }),
    }
  },
}
