import type { HostVolumeStep } from '../host-volume-seen.ts'

/** Gives up the recorded volume, as a person ordered. The order is removed first, so that it counts only once. */
export const recreateHostVolume: HostVolumeStep = {
  async act({ context, record }) {
    const { externalID, nodeID: _, identified: __, intent: ___, ...rest } = record
    const { key, declaration } = record
    const incarnation = record.incarnation + 1
    await context.inventory.amendOrders(key, ({ recreate: ____, ...orders }) => orders)
    if (externalID !== undefined) {
      const { pluginID } = declaration.spec
      const atMs = context.clock.now()
      await context.inventory.release({ key, pluginID, externalID, reason: 'Vanished', atMs, incarnation })
    }
    return { ...rest, incarnation }
  },
}
