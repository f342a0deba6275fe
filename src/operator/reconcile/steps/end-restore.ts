import { restoreSource, type VolumeRecord } from '../../plan/record.ts'
import type { StepContext } from '../context.ts'
import type { VolumeStep } from '../volume-seen.ts'

/**
 * Ends a restore that was not done, or was not even begun. Its name is used up: what a create with a lost
 * answer may have made under it is never taken for another restore's.
 */
export const endRestore: VolumeStep = {
  async act({ context, record, seen: { restoreOrder } }) {
    const { restore, intent, ...rest } = record
    await takeBackRestoreOrder(context, record)
    return {
      ...rest,
      ...(restore === undefined && intent !== undefined ? { intent } : {}),
      incarnation: restore?.incarnation ?? record.incarnation,
      status: {
        ...record.status,
        lastRestore: {
          ...restoreSource(restore ?? restoreOrder),
          outcome: 'NotRestored',
          message: restore?.undoneFor ?? restoreOrder?.refusal ?? 'its declaration is gone',
          atMs: context.clock.now(),
        },
      },
    }
  },
}

/** Whatever was ordered of a restore holds no longer. */
export async function takeBackRestoreOrder(
  { inventory }: Pick<StepContext, 'inventory'>,
  { key }: VolumeRecord,
): Promise<void> {
  await inventory.amendOrders(key, ({ restore: _, undoRestore: __, ...orders }) => orders)
}
