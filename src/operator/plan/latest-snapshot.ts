import type { VolumeDeclaration } from '../declare/declaration.ts'
import type { InventoryRecord } from './record.ts'
import type { SourceObservation } from './volume-observation.ts'

/**
 * Finds the newest ready snapshot that a schedule took of a volume. Pure. Where the schedule took some and none is ready, it
 * waits, whatever `orElse` says: a blank volume in the place of data that is there would be taken for the data.
 * @param pluginID of the volume to create: no other plugin can read the snapshot
 * @param ofSchedule all snapshots that the schedule made
 */
export function findLatest(
  { schedule, volume, orElse }: NonNullable<NonNullable<VolumeDeclaration['spec']['source']>['latest']>,
  pluginID: string,
  ofSchedule: readonly InventoryRecord[],
): SourceObservation {
  const taken = ofSchedule.flatMap((record) =>
    record.kind === 'Snapshot' && record.declaration.spec.volume === volume ? [record] : [],
  )
  if (taken.length === 0 && orElse === 'Blank') return { state: 'ready' }
  const [newest] = taken
    .filter(({ status }) => status.conditions.some((each) => each.type === 'Ready' && each.status === 'True'))
    .filter((record) => record.schedule?.isExpired !== true && record.pluginID === pluginID)
    .sort((one, other) => takenMs(other) - takenMs(one))
  if (newest?.snapshotID !== undefined) return { state: 'ready', snapshotID: newest.snapshotID }
  const others = [...new Set(taken.flatMap((each) => each.pluginID ?? []))].filter((id) => id !== pluginID)
  const why =
    taken.length === 0
      ? 'it has taken none yet'
      : others.length > 0
        ? `its snapshots are of plugin ${others.map((id) => `"${id}"`).join(', ')}, which plugin "${pluginID}" cannot read`
        : 'none of those that it took is ready to use'
  return {
    state: 'waiting',
    reason: 'SnapshotNotReady',
    message: `waiting for a ready snapshot of volume "${volume}" by schedule "${schedule}": ${why}`,
  }
}

const takenMs = ({ status, schedule }: Extract<InventoryRecord, { kind: 'Snapshot' }>) =>
  status.takenAtMs ?? schedule?.tickMs ?? 0
