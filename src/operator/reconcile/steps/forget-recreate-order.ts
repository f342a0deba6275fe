import type { InventoryRecord } from '../../plan/record.ts'
import type { StepContext } from '../context.ts'

/** Removes an order to recreate: the volume is back. If it vanishes again, a person must decide again. */
export const forgetRecreateOrder = {
  async act<Record extends InventoryRecord>({
    context,
    record,
  }: {
    readonly context: Pick<StepContext, 'inventory'>
    readonly record: Record
  }): Promise<Record> {
    await context.inventory.amendOrders(record.key, ({ recreate: _, ...orders }) => orders)
    return record
  },
}
