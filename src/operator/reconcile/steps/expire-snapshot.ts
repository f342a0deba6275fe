import type { SnapshotScheduleRecord } from '../../plan/record.ts'
import type { Step } from '../kind.ts'
import type { PlannedSchedule, ScheduleSeen } from '../schedule-seen.ts'

/** Orders the end of a snapshot that no retention rule keeps. The snapshot's own passes carry it out. */
export const expireSnapshot: Step<SnapshotScheduleRecord, ScheduleSeen, PlannedSchedule> = {
  async act({ context, record, planned: { change } }) {
    if (change?.type !== 'expire') throw new Error(`${record.key}: nothing expires`)
    const { inventory, clock, wake } = context
    // Its own passes may take it while this one decides.
    const expiry = { policy: 'Delete', ...(change.isTaken ? {} : ({ unlessTaken: true } as const)) } as const
    await inventory.amendOrders(change.snapshot, (orders) =>
      // A person may have ordered to keep it since this pass read the orders.
      orders.keptSinceMs !== undefined || (orders.expiry !== undefined && !orders.expiry.unlessTaken)
        ? orders
        : { ...orders, expiry: { ...expiry, atMs: clock.now() } },
    )
    wake(change.snapshot)
    return record
  },
}
