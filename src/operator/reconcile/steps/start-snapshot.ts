import type { SnapshotScheduleRecord } from '../../plan/record.ts'
import { scheduledSnapshot } from '../../plan/scheduled-snapshots.ts'
import type { Step } from '../kind.ts'
import type { PlannedSchedule, ScheduleSeen } from '../schedule-seen.ts'

/**
 * Starts the snapshot of one volume for one scheduled time. It is safe to repeat after a crash between the two writes:
 * the snapshot's key contains its time.
 */
export const startSnapshot: Step<SnapshotScheduleRecord, ScheduleSeen, PlannedSchedule> = {
  async act({ context, record, planned: { change } }) {
    if (change?.type !== 'start') throw new Error(`${record.key}: no snapshot to begin`)
    const { inventory, begin, region, wake } = context
    const snapshot = scheduledSnapshot(record, change.volume, change.tickMs, region)
    if (inventory.get(snapshot.key) === undefined) await begin(snapshot)
    wake(snapshot.key)
    return {
      ...record,
      ticks: { ...record.ticks, [change.volume.key]: change.tickMs },
      status: { ...record.status, lastRunMs: change.tickMs },
    }
  },
}
