import type { SnapshotStep } from '../snapshot-seen.ts'

/** Deletes the recorded snapshot and ends its management. */
export const deleteSnapshot: SnapshotStep = {
  async act({ context, record, seen: { secretValues }, signal }) {
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
}
