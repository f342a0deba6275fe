import { type StepName, take } from '../plan/decision.ts'
import type { Key } from '../plan/identity.ts'
import { planPluginGate } from '../plan/plugin-gate.ts'
import type { SnapshotRecord, SnapshotScheduleRecord } from '../plan/record.ts'
import { trackClock } from '../plan/schedule-clock.ts'
import type { ScheduleChange, ScheduledVolume, ScheduleObservation } from '../plan/schedule-observation.ts'
import { planSchedule } from '../plan/schedule-plan.ts'
import { selectVolumes } from '../plan/scheduled-snapshots.ts'
import { planAbsentDeclaration } from './absence.ts'
import type { GatherContext } from './context.ts'
import type { Kind } from './kind.ts'
import type { PlannedSchedule, ScheduleSeen } from './schedule-seen.ts'
import { refuseSnapshot } from './sharers.ts'
import { expireSnapshot } from './steps/expire-snapshot.ts'
import { missRun } from './steps/miss-run.ts'
import { release } from './steps/release.ts'
import { startSnapshot } from './steps/start-snapshot.ts'

const stepOf: Record<ScheduleChange['type'], StepName> = {
  start: 'start-snapshot',
  miss: 'miss-run',
  expire: 'expire-snapshot',
}

/** Passes over schedules. They only change the inventory; the passes of each snapshot do the rest. */
export function scheduleKind(
  context: GatherContext,
): Kind<SnapshotScheduleRecord, ScheduleSeen, PlannedSchedule> {
  const { desired } = context
  return {
    begin: (key) => beginSchedule(context, key),
    async gather(record) {
      return desired.declaration(record.key) === undefined
        ? { type: 'absent', absence: desired.absence(record.key) }
        : { type: 'declared', observation: await observe(context, record) }
    },
    plan(record, seen, now) {
      if (seen.type === 'absent') {
        return seen.absence?.state === 'ending'
          ? take('release', 'Retained', 'no longer declared; the snapshots that it made stay')
          : planAbsentDeclaration(seen.absence, record)
      }
      const { change, ...planned } = planSchedule(record.declaration, record, seen.observation, now)
      return change === undefined ? planned : { ...planned, change, step: stepOf[change.type] }
    },
    steps: {
      'start-snapshot': startSnapshot,
      'miss-run': missRun,
      'expire-snapshot': expireSnapshot,
      release,
    },
    asDeclared: (record) => record,
    present: (_record, _seen, planned) => ({
      ...(planned?.nextRunMs === undefined ? {} : { nextRunMs: planned.nextRunMs }),
      ...(planned?.kept === undefined ? {} : { kept: Object.fromEntries(planned.kept) }),
    }),
  }
}

function beginSchedule({ inventory, desired, time }: GatherContext, key: Key): SnapshotScheduleRecord {
  const before = inventory.get(key)
  const declaration = desired.declaration(key)
  const now = time()
  if (declaration?.kind !== 'SnapshotSchedule') {
    if (before?.kind === 'SnapshotSchedule') return before
    throw new Error(`${key} is neither declared nor managed`)
  }
  const record: SnapshotScheduleRecord =
    before?.kind === 'SnapshotSchedule'
      ? { ...before, declaration }
      : {
          kind: 'SnapshotSchedule',
          key,
          declaration,
          csiName: '',
          incarnation: 0,
          sinceMs: now.dateMs,
          ticks: {},
          status: { conditions: [] },
        }
  return trackClock(
    record,
    declaration.spec,
    now,
    inventory.orders(key).trustedClock,
    snapshotsOf(inventory, key),
  )
}

function snapshotsOf(inventory: GatherContext['inventory'], key: Key): SnapshotRecord[] {
  return inventory.find('schedule', key) as SnapshotRecord[] // Only snapshots have a schedule.
}

async function observe(
  context: GatherContext,
  { key, declaration }: SnapshotScheduleRecord,
): Promise<ScheduleObservation> {
  const { inventory, desired } = context
  const snapshots = snapshotsOf(inventory, key)
  const keptByHand = new Set(
    snapshots.flatMap(({ key }) => (inventory.orders(key).keptSinceMs === undefined ? [] : [key])),
  )
  const selected = selectVolumes(declaration, desired.declarations().values(), inventory)
  return {
    volumes: await Promise.all(selected.map((volume) => withRefusal(context, volume))),
    snapshots,
    ...(await readiness(context, snapshots, keptByHand)),
    keptByHand,
    sourcesInUse: sourcesInUse(context),
  }
}

async function withRefusal(context: GatherContext, volume: ScheduledVolume): Promise<ScheduledVolume> {
  const record = context.inventory.get(volume.key)
  const shared = record?.kind === 'Volume' ? await refuseSnapshot(context, record) : undefined
  return shared === undefined ? volume : { ...volume, refusal: shared.message }
}

/**
 * Reads their plugins' lists. If a plugin does not answer, none of its snapshots counts as ready, so none expires. If it
 * cannot list, the answer to the create counts.
 */
async function readiness(
  context: GatherContext,
  snapshots: readonly SnapshotRecord[],
  keptByHand: ReadonlySet<Key>,
): Promise<Pick<ScheduleObservation, 'ready' | 'silent' | 'unknown'>> {
  const ready = new Set<Key>()
  const silent = new Set<string>()
  const unknown = new Map<Key, string>()
  const byPlugin = Map.groupBy(snapshots, ({ snapshotID, pluginID }) =>
    snapshotID === undefined ? undefined : pluginID,
  )
  await Promise.all(
    [...byPlugin].map(async ([pluginID, held]) => {
      if (pluginID === undefined) return
      const listed = await listReady(context, pluginID)
      if (listed === 'silent') {
        silent.add(pluginID)
        return
      }
      for (const { key, snapshotID = '', wasReady, schedule } of held) {
        if (listed === 'unsupported' ? wasReady : listed.has(snapshotID)) ready.add(key)
        else if (listed === 'unsupported' && !schedule?.isExpired && !keptByHand.has(key))
          unknown.set(key, pluginID)
      }
    }),
  )
  return { ready, silent, unknown }
}

/** IDs of the snapshots that the plugin now lists as ready to use. */
async function listReady(
  { observer, log }: GatherContext,
  pluginID: string,
): Promise<ReadonlySet<string> | 'unsupported' | 'silent'> {
  try {
    const plugin = await observer.plugin(pluginID)
    const gate = plugin && planPluginGate(pluginID, plugin, 'SupportsListSnapshots')
    if (gate?.verdict.reason === 'PluginUnsupported') return 'unsupported'
    if (gate !== undefined) return 'silent'
    const listed = await observer.snapshots(pluginID)
    return new Set([...listed.values()].flatMap(({ ID, IsReady }) => (IsReady ? [ID] : [])))
  } catch (error) {
    log.warn({ pluginID, error }, 'cannot list the snapshots of a plugin; none of them expires')
    return 'silent'
  }
}

/** IDs of the snapshots from which a volume has still to be created or restored. */
function sourcesInUse({ desired, inventory }: GatherContext): ReadonlySet<string> {
  const restored = inventory.find('kind', 'Volume').flatMap((record) => {
    if (record.kind !== 'Volume') return []
    const { restore } = inventory.orders(record.key)
    // A create whose outcome is not known is repeated with the same snapshot.
    const sent = record.intent?.request.SnapshotID ?? []
    return [record.restore, restore].flatMap((each) => each?.snapshotID ?? []).concat(sent)
  })
  return new Set([
    ...restored,
    ...[...desired.declarations()].flatMap(([key, declaration]) => {
      if (declaration.kind !== 'Volume' || declaration.spec.source?.snapshotID === undefined) return []
      const record = inventory.get(key)
      const isMade = record?.kind === 'Volume' && record.externalID !== undefined
      return isMade ? [] : [declaration.spec.source.snapshotID]
    }),
  ])
}
