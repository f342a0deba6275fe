import type { SnapshotStepInput } from '../snapshot-step.ts'

/** Deletes the snapshot that the inventory records. Its success ends the management. */
export async function deleteSnapshot({
  context,
  record,
  secretValues,
  signal,
}: SnapshotStepInput): Promise<undefined> {
  const { snapshotID, pluginID } = record
  if (snapshotID === undefined || pluginID === undefined)
    throw new Error(`${record.key}: no snapshot is recorded`)
  try {
    await context.api.deleteSnapshot(pluginID, snapshotID, secretValues, signal)
  } finally {
    context.observer.invalidate({ pluginID })
  }
}
