import type { SnapshotScheduleRecord } from '../../plan/record.ts'
import type { Step } from '../kind.ts'
import type { PlannedSchedule, ScheduleSeen } from '../schedule-seen.ts'

/** Records that a scheduled time passed without a snapshot. */
export const missRun: Step<SnapshotScheduleRecord, ScheduleSeen, PlannedSchedule> = {
  async act({ record, planned: { change } }) {
    if (change?.type !== 'miss') throw new Error(`${record.key}: no run was missed`)
    return {
      ...record,
      ticks: { ...record.ticks, [change.volume.key]: change.tickMs },
      status: { ...record.status, lastMissedRunMs: change.tickMs },
    }
  },
}
