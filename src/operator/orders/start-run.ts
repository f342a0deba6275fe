import type { Clock } from '../../lib/clock.ts'
import { UsageError } from '../../lib/errors.ts'
import type { Declaration } from '../declare/declaration.ts'
import type { Key } from '../plan/identity.ts'
import type { Inventory } from '../plan/ports.ts'
import type { SnapshotScheduleRecord } from '../plan/record.ts'
import { isInFlight } from '../plan/schedule-plan.ts'
import { scheduledSnapshot, selectVolumes } from '../plan/scheduled-snapshots.ts'

export interface RunRequest {
  /** `namespace/name` of a schedule, or `namespace/ID` of a volume that exactly one schedule selects. */
  readonly target: string
  /** `namespace/ID`: of the schedule's volumes this one alone. */
  readonly volume?: string | undefined
}

/**
 * Records a run of a schedule for now: a snapshot for each of its volumes, which their own passes take. They
 * are the schedule's like any other, so its retention counts them; its times are not touched.
 * @throws UsageError where nothing is begun, with the reason for each volume
 */
export async function startRun(
  options: {
    readonly inventory: Pick<Inventory, 'get' | 'list' | 'put' | 'orders' | 'released'>
    readonly declarations: readonly Declaration[]
    readonly clock: Pick<Clock, 'now'>
    readonly region: string
  },
  { target, volume }: RunRequest,
): Promise<{ message: string; keys: readonly Key[] }> {
  const { inventory, declarations, clock, region } = options
  const { schedule, only } = findSchedule(target)
  const chosen = volume === undefined ? only : `Volume/${volume}`
  const { name, spec } = schedule.declaration
  if (spec.suspend || inventory.orders(schedule.key).suspendedSinceMs !== undefined) {
    throw new UsageError(`schedule ${spec.namespace}/${name} is suspended: resume it first`)
  }
  const selected = selectVolumes(schedule.declaration, declarations, inventory)
  const volumes = selected.filter(({ key }) => chosen === undefined || key === chosen)
  if (volumes.length === 0) {
    throw new UsageError(
      `schedule ${spec.namespace}/${name} selects ${chosen === undefined ? 'no declared volume' : `no ${chosen}`}`,
    )
  }
  // Names hold whole seconds.
  const tickMs = Math.floor(clock.now() / 1000) * 1000
  const keys: Key[] = []
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
      // The plugin would answer with it, and what ends the new one would delete what a person kept.
      obstacles.push(`snapshot "${snapshot.declaration.name}" of this second was let go: ask again`)
    } else {
      await inventory.put(snapshot)
      keys.push(snapshot.key)
    }
  }
  if (keys.length === 0) throw new UsageError(`nothing is begun: ${obstacles.join('; ')}`)
  const begun = keys.map((key) => key.slice('Snapshot/'.length)).join(', ')
  const left = obstacles.length === 0 ? '' : `; left out: ${obstacles.join('; ')}`
  return { message: `begun: ${begun}${left}`, keys }

  function findSchedule(text: string): { schedule: SnapshotScheduleRecord; only?: Key } {
    const named = inventory.get(`SnapshotSchedule/${text}`)
    if (named?.kind === 'SnapshotSchedule') return { schedule: named }
    const only = `Volume/${text}`
    const schedules = inventory.list().filter((record) => record.kind === 'SnapshotSchedule')
    const selecting = schedules.filter(({ declaration }) =>
      selectVolumes(declaration, declarations, inventory).some(({ key }) => key === only),
    )
    const [schedule, ...others] = selecting
    if (schedule === undefined) {
      throw new UsageError(
        inventory.get(only) === undefined
          ? `"${text}" is neither a schedule nor a volume here; mooring status lists what is`
          : `no schedule selects volume ${text}: declare a SnapshotSchedule that does, or a Snapshot of it, which is taken once and kept`,
      )
    }
    if (others.length > 0) {
      const names = selecting.map(({ declaration }) => declaration.name).join(', ')
      throw new UsageError(
        `several schedules select volume ${text} (${names}): say which, as in mooring snapshot now ${schedule.declaration.name} --volume ${text}`,
      )
    }
    return { schedule, only }
  }
}
