import { restoredName } from '../../plan/identity.ts'
import { contextField } from '../../plan/record.ts'
import { nextIncarnation } from '../../plan/released.ts'
import type { VolumeStep } from '../volume-seen.ts'
import { removeRestoreOrder } from './end-restore.ts'

/** Records the restore, then removes its order: from now on the record counts. */
export const beginRestore: VolumeStep = {
  intend({ context, record, seen: { volume, restoreOrder } }) {
    if (restoreOrder === undefined) throw new Error(`${record.key}: no restore is ordered`)
    const incarnation = nextIncarnation(record)
    const { spec } = record.declaration
    const { snapshotID, backTo } = restoreOrder
    const replaced = context.inventory
      .released()
      .findLast((each) => each.key === record.key && each.externalID === backTo)
    return {
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
  },
  async act({ context, record }) {
    await removeRestoreOrder(context, record)
    return record
  },
}
