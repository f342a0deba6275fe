import { restoreSource, type VolumeRecord } from '../../plan/record.ts'
import type { StepContext } from '../context.ts'
import type { VolumeStep } from '../volume-seen.ts'

/** Ends a restore that was refused or undone. Its name is not used again: a lost create may have made a volume with it. */
export const endRestore: VolumeStep = {
  async act({ context, record, seen: { restoreOrder } }) {
    const { restore, intent, ...rest } = record
    await removeRestoreOrder(context, record)
    return {
      ...rest,
      ...(restore === undefined && intent !== undefined ? { intent } : {}),
      incarnation: restore?.incarnation ?? record.incarnation,
      status: {
        ...record.status,
        lastRestore: {
          ...restoreSource(restore ?? restoreOrder),
          outcome: 'NotRestored',
          message: restore?.undoneFor ?? restoreOrder?.refusal ?? 'its declaration was removed',
          atMs: context.clock.now(),
        },
      },
    }
  },
}

/** Removes the orders for a restore. */
export async function removeRestoreOrder(
  { inventory }: Pick<StepContext, 'inventory'>,
  { key }: VolumeRecord,
): Promise<void> {
  await inventory.amendOrders(key, ({ restore: _, undoRestore: __, ...orders }) => orders)
}
