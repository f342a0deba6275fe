import { restoreSource, type VolumeRecord } from '../../plan/record.ts'
import type { ReconcileContext } from '../context.ts'
import type { VolumeStepInput } from '../volume-step.ts'

/**
 * Ends a restore that was not done, or was not even begun. Its name is used up: what a create with a lost
 * answer may have made under it is never taken for another restore's.
 */
export async function endRestore({ context, record, restoreOrder }: VolumeStepInput): Promise<VolumeRecord> {
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
}

/** Whatever was ordered of a restore holds no longer. */
export async function takeBackRestoreOrder(
  { inventory }: ReconcileContext,
  { key }: VolumeRecord,
): Promise<void> {
  await inventory.amendOrders(key, ({ restore: _, undoRestore: __, ...orders }) => orders)
}
