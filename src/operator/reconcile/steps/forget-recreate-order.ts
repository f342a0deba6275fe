import type { VolumeStep } from '../volume-seen.ts'

/** Removes an order to recreate: the external volume is back. If it vanishes again, a person must decide again. */
export const forgetRecreateOrder: VolumeStep = {
  async act({ context, record }) {
    await context.inventory.amendOrders(record.key, ({ recreate: _, ...orders }) => orders)
    return record
  },
}
