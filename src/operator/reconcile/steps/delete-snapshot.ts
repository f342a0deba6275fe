import { assertNotCancelled } from '../absence.ts'
import type { SnapshotStep } from '../snapshot-seen.ts'

/**
 * Deletes the recorded snapshot and ends its management. From now on the end cannot be cancelled, unless the answer says
 * that nothing was deleted.
 */
export const deleteSnapshot: SnapshotStep = {
  intend: ({ record }) => ({ ...record, end: { declaration: record.declaration } }),
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
  async afterFailure({ record, before }, { kind, reason }) {
    if (reason === 'EndCancelled') return { record: before }
    // If a repeat fails, an earlier call may still be running.
    const isOpen = kind === 'ambiguous' || (kind !== 'permanent' && before.end !== undefined)
    if (isOpen) return { record }
    const { end: _, ...rest } = record
    return { record: rest }
  },
}
