import type { VolumeStep } from '../volume-seen.ts'

/** Takes back a person's word for a node: it was good once, for what is not there any more. */
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
