import { momentOf } from '../../../lib/clock.ts'
import { contextField, restoreSource } from '../../plan/record.ts'
import { restoreResult } from '../../plan/restore-plan.ts'
import { recordedExternalID, type VolumeStep } from '../volume-seen.ts'
import { removeRestoreOrder } from './end-restore.ts'

/** Records the successor. The replaced external volume stays in storage and is listed as `Replaced`. */
export const adoptRestored: VolumeStep = {
  async act({ context, record, seen: { volume } }) {
    const {
      restore,
      context: replaced,
      intent: _,
      lastUpdateHash: __,
      settledSpecHash: ___,
      ...rest
    } = record
    if (volume === undefined || restore === undefined) throw new Error(`${record.key}: nothing was restored`)
    const { csiName, incarnation } = restore
    const externalID = recordedExternalID(record)
    const atMs = context.clock.now()
    await context.inventory.release({
      key: record.key,
      pluginID: record.declaration.spec.pluginID,
      externalID,
      reason: 'Replaced',
      atMs,
      incarnation,
      csiName: record.csiName,
      ...contextField(undefined, replaced),
    })
    await removeRestoreOrder(context, record)
    return {
      ...rest,
      externalID: volume.ExternalID,
      identified: momentOf(context.clock),
      ...contextField(volume, restore.context),
      csiName,
      incarnation,
      status: {
        ...record.status,
        lastRestore: {
          ...restoreSource(restore),
          outcome: 'Restored',
          message: `${restoreResult(restore, volume.ExternalID)}; it replaced "${externalID}", which stays in storage`,
          atMs,
        },
      },
    }
  },
}
