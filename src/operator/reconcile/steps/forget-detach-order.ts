import type { VolumeStep } from '../volume-seen.ts'

/** Removes the detach order of a node: the allocations that it covered no longer claim the volume. */
export const forgetDetachOrder: VolumeStep = {
  async act({ context, record, seen: { detach } }) {
    if (detach.type !== 'forget-order') throw new Error(`${record.key}: no order to forget`)
    await context.inventory.amendOrders(record.key, ({ detach: given = [], ...orders }) => {
      const left = given.filter(({ nodeID }) => nodeID !== detach.nodeID)
      return left.length === 0 ? orders : { ...orders, detach: left }
    })
    return record
  },
}
