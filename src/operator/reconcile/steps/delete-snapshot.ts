import { momentOf } from '../../../lib/clock.ts'
import { endAfterFailure } from '../../plan/open-delete.ts'
import { assertNotCancelled } from '../absence.ts'
import type { SnapshotStep } from '../snapshot-seen.ts'

/**
 * Deletes the recorded snapshot and ends its management. From now on the end cannot be cancelled, unless the answer says
 * that nothing was deleted.
 */
export const deleteSnapshot: SnapshotStep = {
  intend: ({ context, record }) => ({
    ...record,
    end: { declaration: record.declaration, sent: momentOf(context.clock) },
  }),
  async act({ context, record, seen: { secretValues }, signal }) {
    assertNotCancelled(context, record)
    const { snapshotID, pluginID } = record
    if (snapshotID === undefined || pluginID === undefined)
      throw new Error(`${record.key}: no snapshot is recorded`)
    try {
      await context.api.deleteSnapshot(pluginID, snapshotID, secretValues, signal)
    } finally {
      context.observer.invalidate({ pluginID })
    }
    return undefined
  },
  async afterFailure({ context, record, before }, error) {
    if (error.reason === 'EndCancelled') return { record: before }
    return { record: endAfterFailure(record, before, error, context.time()) }
  },
}
