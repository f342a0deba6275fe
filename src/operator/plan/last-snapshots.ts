import type { Declaration } from '../declare/declaration.ts'
import { type Key, keyOf } from './identity.ts'
import type { InventoryRecord, SnapshotRecord } from './record.ts'
import { selectsVolume } from './selects-volume.ts'

/** The age of a schedule's latest snapshots. */
export interface LastSnapshots {
  readonly namespace: string
  readonly schedule: string
  /**
   * Scheduled time of the latest ready snapshot, in milliseconds since the epoch, for the volume where it is oldest.
   * undefined: no volume has a ready snapshot.
   */
  readonly oldestMs: number | undefined
  /** How many volumes have no ready snapshot. */
  readonly volumesWithout: number
}

/** One entry for each declared schedule that is not suspended and selects a declared volume. Pure. */
export function lastSnapshots(
  declarations: Iterable<Declaration>,
  records: Iterable<InventoryRecord>,
): LastSnapshots[] {
  const all = [...declarations]
  const volumes = all.filter((declaration) => declaration.kind === 'Volume')
  const latestMs = new Map<string, number>()
  for (const record of records) {
    if (record.kind !== 'Snapshot' || record.schedule === undefined || !isReady(record)) continue
    const token = tokenOf(record.schedule.schedule, record.schedule.volume)
    latestMs.set(token, Math.max(latestMs.get(token) ?? 0, record.schedule.tickMs))
  }
  return all.flatMap((schedule) => {
    if (schedule.kind !== 'SnapshotSchedule' || schedule.spec.suspend) return []
    const selected = volumes.filter((volume) => selectsVolume(schedule, volume))
    if (selected.length === 0) return []
    const times = selected.flatMap((volume) => latestMs.get(tokenOf(keyOf(schedule), keyOf(volume))) ?? [])
    return [
      {
        namespace: schedule.spec.namespace,
        schedule: schedule.name,
        oldestMs: times.length === 0 ? undefined : Math.min(...times),
        volumesWithout: selected.length - times.length,
      },
    ]
  })
}

function isReady({ schedule, status }: SnapshotRecord): boolean {
  return (
    schedule?.isExpired === false &&
    status.conditions.some(({ type, status }) => type === 'Ready' && status === 'True')
  )
}

function tokenOf(schedule: Key, volume: Key): string {
  return JSON.stringify([schedule, volume])
}
