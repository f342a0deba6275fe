import { chooseName } from '../../plan/identity.ts'
import { contextField } from '../../plan/record.ts'
import { nextIncarnation } from '../../plan/released.ts'
import type { VolumeStep } from '../volume-seen.ts'

/** Gives up the recorded external volume, as a person ordered. The order is removed first, so that it counts only once. */
export const recreateVolume: VolumeStep = {
  async act({ context, record }) {
    const {
      externalID,
      context: lost,
      intent: _,
      applied: __,
      lastUpdateHash: ___,
      restore,
      ...rest
    } = record
    const { spec } = record.declaration
    const incarnation = nextIncarnation({ ...record, ...restore })
    await context.inventory.amendOrders(record.key, ({ recreate: ____, restore: _____, ...orders }) => orders)
    if (externalID !== undefined) {
      const atMs = context.clock.now()
      await context.inventory.release({
        key: record.key,
        pluginID: spec.pluginID,
        externalID,
        reason: 'Vanished',
        atMs,
        incarnation,
        csiName: record.csiName,
        ...contextField(undefined, lost),
      })
    }
    const { region } = context
    const csiName =
      spec.name ?? chooseName({ region, namespace: spec.namespace, id: spec.volumeID, incarnation })
    return { ...rest, incarnation, csiName }
  },
}
