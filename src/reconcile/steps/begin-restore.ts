import { restoredName } from '../../plan/identity.ts'
import { nextIncarnation, type VolumeRecord } from '../../plan/record.ts'
import type { VolumeStepInput } from '../volume-step.ts'
import { takeBackRestoreOrder } from './end-restore.ts'

/** Records the restore, and then takes its order back: from here on the record alone says what goes on. */
export async function beginRestore({
  context,
  record,
  volume,
  restoreOrder,
}: VolumeStepInput): Promise<VolumeRecord> {
  if (restoreOrder === undefined) throw new Error(`${record.key}: no restore is ordered`)
  const incarnation = nextIncarnation(record)
  const { spec } = record.declaration
  const begun: VolumeRecord = {
    ...record,
    restore: {
      snapshotID: restoreOrder.snapshotID,
      csiName: restoredName({ region: context.region, spec, incarnation }),
      incarnation,
      context: volume?.Context ?? {},
    },
  }
  await context.inventory.put(begun)
  await takeBackRestoreOrder(context, record)
  return begun
}
