import { findByName } from '../../plan/snapshot-plan.ts'
import type { SnapshotStep } from '../snapshot-seen.ts'

/** Records the snapshot that a create with a lost answer made. */
export const adoptSnapshot: SnapshotStep = {
  async act({ record, seen: { volume, snapshots } }) {
    const made = record.intent?.broken?.externalID
    if (made !== undefined) {
      const { intent: _, ...rest } = record
      return { ...rest, snapshotID: made }
    }
    const found =
      snapshots === 'unknown' || volume.state !== 'ready'
        ? undefined
        : findByName(snapshots, record.csiName, volume.externalID)
    if (found === undefined) throw new Error(`${record.key}: nothing to adopt`)
    const { intent: _, ...rest } = record
    return {
      ...rest,
      snapshotID: found.ID,
      wasReady: found.IsReady,
      externalSourceVolumeID: found.ExternalSourceVolumeID,
    }
  },
}
