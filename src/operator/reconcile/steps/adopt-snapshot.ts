import type { SnapshotRecord } from '../../plan/record.ts'
import { findByName } from '../../plan/snapshot-plan.ts'
import type { SnapshotStepInput } from '../snapshot-step.ts'

/** Records the snapshot that a create with a lost answer made. */
export async function adoptSnapshot({
  record,
  volume,
  snapshots,
}: SnapshotStepInput): Promise<SnapshotRecord> {
  const found =
    snapshots === 'unknown' || volume.state !== 'ready'
      ? undefined
      : findByName(snapshots, record.csiName, volume.externalID)
  if (found === undefined) throw new Error(`${record.key}: nothing to adopt`)
  const { intent: _, ...rest } = record
  return { ...rest, snapshotID: found.ID, externalSourceVolumeID: found.ExternalSourceVolumeID }
}
