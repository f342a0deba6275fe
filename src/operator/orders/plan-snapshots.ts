import { shellCommand } from '../../lib/shell-command.ts'
import type { Key } from '../plan/identity.ts'
import type { SnapshotRecord, SnapshotScheduleRecord } from '../plan/record.ts'
import { isInDoubt } from '../plan/schedule-clock.ts'
import { isInFlight } from '../plan/schedule-plan.ts'
import { scheduledSnapshot, selectVolumes } from '../plan/scheduled-snapshots.ts'
import { assertKnown, type Known, type Planner, type Planners, refuse } from './planner.ts'

/**
 * Runs a schedule now: records a snapshot for each of its volumes. Their own passes take them. They are snapshots of
 * the schedule like any other, so its retention counts them. The schedule's times stay as they are.
 */
const planTakeSnapshots: Planner<'takeSnapshots'> = (order, known) => {
  const { inventory, declarations, nowMs, region } = known
  const { schedule, only } = findSchedule(order.key, known)
  const chosen = order.volume ?? only
  const { name, spec } = schedule.declaration
  if (spec.suspend || inventory.orders(schedule.key).suspendedSinceMs !== undefined)
    return refuse(`schedule ${spec.namespace}/${name} is suspended: resume it first`)
  if (isInDoubt(schedule.status)) {
    return refuse(
      `schedule ${spec.namespace}/${name} is Stalled with ClockLeapt, and the names of snapshots contain the date: set the clock, or run ${trustCommand(schedule.key)}`,
    )
  }
  const selected = selectVolumes(schedule.declaration, [...declarations.values()], inventory)
  const volumes = selected.filter(({ key }) => chosen === undefined || key === chosen)
  if (volumes.length === 0) {
    const what = chosen === undefined ? 'no declared volume' : `no ${chosen}`
    return refuse(`schedule ${spec.namespace}/${name} selects ${what}: change its spec.volumes`)
  }
  // The names of snapshots hold whole seconds.
  const tickMs = Math.floor(nowMs / 1000) * 1000
  const snapshots: SnapshotRecord[] = []
  const obstacles: string[] = []
  for (const each of volumes) {
    const snapshot = scheduledSnapshot(schedule, each, tickMs, region)
    const inFlight = inventory
      .list()
      .find((other) => other.kind === 'Snapshot' && other.schedule?.volume === each.key && isInFlight(other))
    if (!each.exists) obstacles.push(`volume "${each.name}" does not exist yet`)
    else if (inFlight !== undefined) {
      obstacles.push(`snapshot "${inFlight.declaration.name}" of volume "${each.name}" is still in flight`)
    } else if (inventory.get(snapshot.key) !== undefined) {
      obstacles.push(`snapshot "${snapshot.declaration.name}" is there already`)
    } else if (inventory.released().some(({ key }) => key === snapshot.key)) {
      // The plugin would answer with that one. Whoever ended the new one would delete what a person kept.
      obstacles.push(
        `snapshot "${snapshot.declaration.name}" of this second was released and still exists: order it again in a second`,
      )
    } else snapshots.push(snapshot)
  }
  if (snapshots.length === 0) return refuse(`no snapshot is begun: ${obstacles.join('; ')}`)
  const begun = snapshots.map(({ key }) => key.slice('Snapshot/'.length)).join(', ')
  const left = obstacles.length === 0 ? '' : `; left out: ${obstacles.join('; ')}`
  return { message: `begun: ${begun}${left}`, snapshots }
}

function findSchedule(key: Key, known: Known): { schedule: SnapshotScheduleRecord; only?: Key } {
  const { inventory, declarations } = known
  const named = inventory.get(key)
  if (named?.kind === 'SnapshotSchedule') return { schedule: named }
  const name = key.slice(key.indexOf('/') + 1)
  const only: Key = `Volume/${name}`
  const selecting = inventory
    .list()
    .filter((record) => record.kind === 'SnapshotSchedule')
    .filter(({ declaration }) =>
      selectVolumes(declaration, [...declarations.values()], inventory).some((volume) => volume.key === only),
    )
  const [schedule, ...others] = selecting
  if (schedule === undefined) {
    return refuse(
      inventory.get(only) === undefined
        ? `"${name}" is neither a schedule nor a volume here: mooring status lists what is`
        : `no schedule selects volume ${name}: declare a SnapshotSchedule that does, or a Snapshot of it, which is taken once and kept`,
    )
  }
  if (others.length > 0) {
    const names = selecting.map(({ declaration }) => declaration.name).join(', ')
    const { spec, name: first } = schedule.declaration
    const target = `${spec.namespace}/${first}`
    const command = shellCommand('mooring', 'snapshot', 'now', target, '--volume', name)
    return refuse(`several schedules select volume ${name} (${names}): say which one, as in ${command}`)
  }
  return { schedule, only }
}

const planKeepSnapshot: Planner<'keepSnapshot'> = ({ key }, known) => {
  const tooLate = () => refuse(`${key} has expired and is being deleted already: it cannot be kept any more`)
  if (scheduledSnapshotOf(key, known).isExpired) return tooLate()
  const release = shellCommand('mooring', 'snapshot', 'keep', key, '--release')
  return {
    message: `${key} is kept, whatever the retention of its schedule says, until ${release}`,
    change: {
      key,
      // Retention may have let it go since this was planned.
      by: (orders) =>
        orders.expiry === undefined || orders.expiry.unlessTaken
          ? { keptSinceMs: known.nowMs, ...orders }
          : tooLate(),
    },
  }
}

const planReleaseSnapshot: Planner<'releaseSnapshot'> = ({ key }, known) => {
  scheduledSnapshotOf(key, known)
  if (known.inventory.orders(key).keptSinceMs === undefined) return refuse(`${key} is not kept by an order`)
  return {
    message: `${key} is left to the retention of its schedule again`,
    change: { key, by: ({ keptSinceMs: _, ...orders }) => orders },
  }
}

const planTrustClock: Planner<'trustClock'> = ({ key }, known) => {
  assertKnown(key, known)
  const record = known.inventory.get(key)
  if (record?.kind !== 'SnapshotSchedule' || !isInDoubt(record.status))
    return refuse(`${key} is not Stalled with ClockLeapt, so there is no date to confirm`)
  const date = new Date(known.clock.dateMs).toISOString()
  return {
    message: `${key} takes ${date} for the right date: runs and retention go by it`,
    change: { key, by: (orders) => ({ ...orders, trustedClock: known.clock }) },
  }
}

function trustCommand(key: Key): string {
  return shellCommand('mooring', 'snapshot', 'trust-clock', key)
}

export const snapshotPlanners = {
  takeSnapshots: planTakeSnapshots,
  trustClock: planTrustClock,
  keepSnapshot: planKeepSnapshot,
  releaseSnapshot: planReleaseSnapshot,
} satisfies Partial<Planners>

function scheduledSnapshotOf(key: Key, known: Known): NonNullable<SnapshotRecord['schedule']> {
  assertKnown(key, known)
  const record = known.inventory.get(key)
  if (record?.kind === 'Snapshot' && record.schedule !== undefined) return record.schedule
  return refuse(
    `no schedule made ${key}, so no retention deletes it: its declaration keeps it by deletionPolicy: Retain`,
  )
}
