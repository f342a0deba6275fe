import type { Outcome } from '../engine/outcome.ts'
import type { Key } from '../plan/identity.ts'
import { createNow } from '../plan/now.ts'
import type { ReconcileContext } from './context.ts'
import { hostVolumeKind } from './host-volume.ts'
import { type PassMemory, runPass } from './pass.ts'
import { snapshotKind } from './snapshot.ts'
import { scheduleKind } from './snapshot-schedule.ts'
import { volumeKind } from './volume.ts'

/**
 * Makes the function that runs one pass: gather, plan, take at most one step, gather again, store the status once.
 * It does not reject for errors of Nomad or a plugin: the outcome has them.
 */
export function createReconcile(
  options: Omit<ReconcileContext, 'time'>,
): (key: Key, signal: AbortSignal) => Promise<Outcome> {
  const context = { ...options, time: createNow(options.clock) }
  const volumes = volumeKind(context)
  const snapshots = snapshotKind(context)
  const schedules = scheduleKind(context)
  const hostVolumes = hostVolumeKind(context)
  const memory: PassMemory = { logged: new Set(), unstored: new Map() }
  return async (key, signal) => {
    const kind = context.desired.declaration(key)?.kind ?? context.inventory.get(key)?.kind
    switch (kind) {
      case undefined:
        return { type: 'done' }
      case 'Volume':
        return runPass(volumes, context, key, signal, memory)
      case 'Snapshot':
        return runPass(snapshots, context, key, signal, memory)
      case 'SnapshotSchedule':
        return runPass(schedules, context, key, signal, memory)
      case 'HostVolume':
        return runPass(hostVolumes, context, key, signal, memory)
    }
  }
}
