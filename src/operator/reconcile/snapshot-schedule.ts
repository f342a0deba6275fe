import type { StepName } from '../plan/decision.ts'
import { take } from '../plan/decision.ts'
import type { Key } from '../plan/identity.ts'
import type { SnapshotRecord, SnapshotScheduleRecord } from '../plan/record.ts'
import { planSchedule, type ScheduleChange, type ScheduleDecision } from '../plan/schedule-plan.ts'
import { scheduledSnapshot, selectVolumes } from '../plan/scheduled-snapshots.ts'
import { planAbsentDeclaration } from './absence.ts'
import type { ReconcileContext } from './context.ts'
import type { Pass } from './pass.ts'

const stepOf: Record<ScheduleChange['type'], StepName> = {
  start: 'start-snapshot',
  miss: 'miss-run',
  expire: 'expire-snapshot',
}

/**
 * A pass over one schedule. It changes the inventory alone: a snapshot that it starts or expires is looked
 * after by that snapshot's own passes.
 */
export function createSnapshotSchedulePass(
  context: ReconcileContext,
  key: Key,
): Pass<SnapshotScheduleRecord> {
  const record = currentRecord(context, key)
  let decision: ScheduleDecision | undefined
  let carriedOut: ScheduleChange | undefined
  return {
    record,
    async decide(record) {
      if (context.desired.declaration(key) === undefined) {
        const held = planAbsentDeclaration(context.desired.absence(key), record)
        return held ?? take('release', 'Retained', 'no longer declared; the snapshots that it made stay')
      }
      const snapshots = snapshotsOf(context, key)
      decision = planSchedule(
        record.declaration,
        record,
        {
          volumes: selectVolumes(
            record.declaration,
            context.desired.declarations().values(),
            context.inventory,
          ),
          snapshots,
          ready: await readySnapshots(context, snapshots),
          kept: new Set(snapshots.flatMap(({ key }) => (isKept(context, key) ? [key] : []))),
          sourcesInUse: sourcesInUse(context),
        },
        context.clock.now(),
      )
      const { change, verdict, againAfterMs } = decision
      return { verdict, againAfterMs, ...(change === undefined ? {} : { step: stepOf[change.type] }) }
    },
    async act(step) {
      if (step === 'release') return undefined
      if (decision?.change === undefined) throw new Error(`a schedule has no step ${step}`)
      const after = await carryOut(context, record, decision.change)
      carriedOut = decision.change
      return after
    },
    settle: (settled) => settled,
    facts: () => ({
      ...(decision?.nextRunMs === undefined ? {} : { nextRunMs: decision.nextRunMs }),
      ...(decision === undefined ? {} : { kept: Object.fromEntries(decision.kept) }),
      ...(carriedOut?.type === 'start' ? { lastRunMs: carriedOut.tickMs } : {}),
      ...(carriedOut?.type === 'miss' ? { lastMissedRunMs: carriedOut.tickMs } : {}),
    }),
  }
}

async function carryOut(
  { inventory, region, wake }: ReconcileContext,
  record: SnapshotScheduleRecord,
  change: ScheduleChange,
): Promise<SnapshotScheduleRecord> {
  switch (change.type) {
    case 'start': {
      // Two writes, and a crash between them: the snapshot's key holds its time, so beginning it again is the same.
      const snapshot = scheduledSnapshot(record, change.volume, change.tickMs, region)
      if (inventory.get(snapshot.key) === undefined) await inventory.put(snapshot)
      wake(snapshot.key)
      return { ...record, ticks: { ...record.ticks, [change.volume.key]: change.tickMs } }
    }
    case 'miss':
      return { ...record, ticks: { ...record.ticks, [change.volume.key]: change.tickMs } }
    case 'expire': {
      await inventory.amend(change.snapshot, (snapshot) => {
        if (snapshot.kind !== 'Snapshot' || snapshot.schedule === undefined) return snapshot
        // A person may have asked for it since this pass looked.
        if (isKept({ inventory }, snapshot.key)) return snapshot
        const spec = { ...snapshot.declaration.spec, deletionPolicy: 'Delete' as const }
        return {
          ...snapshot,
          declaration: { ...snapshot.declaration, spec },
          schedule: { ...snapshot.schedule, isExpired: true },
        }
      })
      wake(change.snapshot)
      return record
    }
  }
}

function currentRecord({ inventory, desired, clock }: ReconcileContext, key: Key): SnapshotScheduleRecord {
  const before = inventory.get(key)
  const declaration = desired.declaration(key)
  if (before?.kind === 'SnapshotSchedule') {
    return declaration?.kind === 'SnapshotSchedule' ? { ...before, declaration } : before
  }
  if (declaration?.kind !== 'SnapshotSchedule') throw new Error(`${key} is neither declared nor managed`)
  return {
    kind: 'SnapshotSchedule',
    key,
    declaration,
    csiName: '',
    incarnation: 0,
    sinceMs: clock.now(),
    ticks: {},
    status: { conditions: [] },
  }
}

function snapshotsOf({ inventory }: ReconcileContext, key: Key): SnapshotRecord[] {
  return inventory
    .list()
    .filter((record) => record.kind === 'Snapshot' && record.schedule?.schedule === key) as SnapshotRecord[] // The filter says so.
}

/** By their plugins' own lists. A plugin that does not answer has none ready, so that nothing of it expires. */
async function readySnapshots(
  { observer, log }: ReconcileContext,
  snapshots: readonly SnapshotRecord[],
): Promise<ReadonlySet<string>> {
  const plugins = new Set(
    snapshots.flatMap(({ snapshotID, pluginID }) =>
      snapshotID === undefined || pluginID === undefined ? [] : [pluginID],
    ),
  )
  const lists = await Promise.all(
    [...plugins].map(async (pluginID) => {
      try {
        return [...(await observer.snapshots(pluginID)).values()]
      } catch (error) {
        log.warn({ pluginID, error }, 'snapshots cannot be listed; none of this plugin expires')
        return []
      }
    }),
  )
  return new Set(lists.flat().flatMap(({ ID, IsReady }) => (IsReady ? [ID] : [])))
}

function isKept({ inventory }: Pick<ReconcileContext, 'inventory'>, key: Key): boolean {
  return inventory.orders(key).keptSinceMs !== undefined
}

/** Snapshots that declared volumes are still to be made from, and volumes be restored from. */
function sourcesInUse({ desired, inventory }: ReconcileContext): ReadonlySet<string> {
  const restored = inventory.list().flatMap((record) => {
    if (record.kind !== 'Volume') return []
    const { restore } = inventory.orders(record.key)
    return [record.restore, restore].flatMap((each) => each?.snapshotID ?? [])
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
