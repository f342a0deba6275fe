import { restoredName } from '../../plan/identity.ts'
import { contextField, nextIncarnation, type VolumeRecord } from '../../plan/record.ts'
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
  const { snapshotID, backTo } = restoreOrder
  const replaced = context.inventory
    .released()
    .findLast((each) => each.key === record.key && each.externalID === backTo)
  const begun: VolumeRecord = {
    ...record,
    ...contextField(volume, record.context),
    restore:
      backTo === undefined
        ? { snapshotID, csiName: restoredName({ region: context.region, spec, incarnation }), incarnation }
        : {
            backTo,
            csiName: replaced?.csiName ?? backTo,
            incarnation,
            ...contextField(undefined, replaced?.context),
          },
  }
  await context.inventory.put(begun)
  await takeBackRestoreOrder(context, record)
  return begun
}
