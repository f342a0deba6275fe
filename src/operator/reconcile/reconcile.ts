import type { Outcome } from '../engine/outcome.ts'
import type { Key } from '../plan/identity.ts'
import type { ReconcileContext } from './context.ts'
import { runPass } from './pass.ts'
import { snapshotKind } from './snapshot.ts'
import { scheduleKind } from './snapshot-schedule.ts'
import { volumeKind } from './volume.ts'

/**
 * One pass for one identity: gather, plan, at most one change, a look at what came of it, then the status, once.
 * Never rejects for what the outside world does; that is in the outcome.
 */
export function createReconcile(
  context: ReconcileContext,
): (key: Key, signal: AbortSignal) => Promise<Outcome> {
  const volumes = volumeKind(context)
  const snapshots = snapshotKind(context)
  const schedules = scheduleKind(context)
  const told = new Set<Key>()
  return async (key, signal) => {
    const kind = context.desired.declaration(key)?.kind ?? context.inventory.get(key)?.kind
    switch (kind) {
      case undefined:
        return { type: 'done' }
      case 'Volume':
        return runPass(volumes, context, key, signal, told)
      case 'Snapshot':
        return runPass(snapshots, context, key, signal, told)
      case 'SnapshotSchedule':
        return runPass(schedules, context, key, signal, told)
    }
  }
}
