import type { PlantedFault } from '../planted-faults.ts'

export const times: readonly PlantedFault[] = [
  {
    name: 'a date that leapt ahead is taken for time that passed',
    needs: [/set clock/, /SnapshotSchedule/],
    file: 'operator/plan/schedule-plan.ts',
    text: 'const leap = findLeap(record, now)',
    replacement: 'const leap = undefined',
  },
  {
    name: 'a scheduled time in the future counts as dealt with',
    needs: [/set clock/, /SnapshotSchedule/],
    file: 'operator/plan/schedule-clock.ts',
    text: 'ticks: withoutFuture(record, dateMs, snapshots),',
    replacement: 'ticks: record.ticks,',
  },
  {
    name: 'retention goes by the date while it is in doubt',
    needs: [/set clock/, /SnapshotSchedule/],
    file: 'operator/plan/schedule-plan.ts',
    text: 'if (leap !== undefined && record.clock !== undefined) {',
    replacement: 'if (false) {',
  },
  {
    name: 'retention deletes the last ready snapshot',
    needs: [/maxAgeMinutes/],
    file: 'operator/plan/retention.ts',
    text: "keep(ready[0], 'last ready')",
    replacement: '',
  },
  {
    name: 'retention keeps one snapshot less than was asked for',
    needs: [/SnapshotSchedule/],
    file: 'operator/plan/retention.ts',
    text: 'young.slice(0, retention?.keepLast ?? 0)',
    replacement: 'young.slice(0, (retention?.keepLast ?? 0) - 1)',
  },
  {
    name: 'a snapshot that is not ready counts as one that retention keeps',
    needs: [/"snapshotReadyMs":20000/, /SnapshotSchedule/],
    file: 'operator/reconcile/snapshot-schedule.ts',
    text: 'flatMap(({ ID, IsReady }) => (IsReady ? [ID] : []))',
    replacement: 'flatMap(({ ID }) => [ID])',
  },
  {
    name: 'a snapshot that a person keeps expires',
    needs: [/"order":"keep"/, /"keepLast":1/],
    file: 'operator/plan/retention.ts',
    text: "if (candidate.isKeptByHand) keep(candidate, 'kept by hand')",
    replacement: '',
    also: [
      {
        file: 'operator/reconcile/steps/expire-snapshot.ts',
        text: 'orders.keptSinceMs !== undefined || (orders.expiry',
        replacement: '(orders.expiry',
      },
    ],
  },
  {
    name: 'a run that was started is not recorded as handled',
    needs: [/SnapshotSchedule/],
    file: 'operator/reconcile/steps/start-snapshot.ts',
    text: 'ticks: { ...record.ticks, [change.volume.key]: change.tickMs },',
    replacement: '',
  },
  {
    name: 'another boot of the machine proves that a call has ended',
    needs: [/"do":"kill/, /"kind":"(late|lostAnswers)"/],
    file: 'operator/plan/now.ts',
    text: 'return monotonicMs - (isComparable ? moment.monotonicMs : startedMs)',
    replacement: 'return isComparable ? monotonicMs - moment.monotonicMs : Number.POSITIVE_INFINITY',
  },
]
