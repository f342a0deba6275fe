import type { VolumeRecord } from '../../plan/record.ts'
import { recordedExternalID, type VolumeStepInput } from '../volume-step.ts'
import { takeBackRestoreOrder } from './end-restore.ts'

/** Records the successor. The external volume before it stays where it is, and is listed as replaced. */
export async function adoptRestored({ context, record, volume }: VolumeStepInput): Promise<VolumeRecord> {
  const { restore, intent: _, lastUpdateHash: __, settledSpecHash: ___, ...rest } = record
  if (volume === undefined || restore === undefined) throw new Error(`${record.key}: nothing was restored`)
  const { snapshotID, csiName, incarnation } = restore
  const externalID = recordedExternalID(record)
  const atMs = context.clock.now()
  await context.inventory.release({
    key: record.key,
    pluginID: record.declaration.spec.pluginID,
    externalID,
    reason: 'Replaced',
    atMs,
    incarnation,
  })
  await takeBackRestoreOrder(context, record)
  return {
    ...rest,
    externalID: volume.ExternalID,
    csiName,
    incarnation,
    status: {
      ...record.status,
      lastRestore: {
        snapshotID,
        outcome: 'Restored',
        message: `external volume "${volume.ExternalID}" was made from the snapshot; "${externalID}" was replaced and is kept`,
        atMs,
      },
    },
  }
}
