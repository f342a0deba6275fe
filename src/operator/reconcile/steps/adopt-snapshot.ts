import { momentOf } from '../../../lib/clock.ts'
import { findByName } from '../../plan/snapshot-plan.ts'
import type { SnapshotStep } from '../snapshot-seen.ts'

/** Records the snapshot that a create with a lost answer made, or the one that the declaration names. */
export const adoptSnapshot: SnapshotStep = {
  async act({ context, record, seen: { volume, snapshots } }) {
    const { snapshotID } = record.declaration.spec
    if (record.intent === undefined && snapshotID !== undefined && volume.state === 'ready') {
      const named = snapshots === 'unknown' ? undefined : snapshots.get(snapshotID)
      if (named === undefined) throw new Error(`${record.key}: nothing to adopt`)
      return {
        ...record,
        snapshotID,
        identified: momentOf(context.clock),
        pluginID: volume.pluginID,
        wasReady: named.IsReady,
        externalSourceVolumeID: named.ExternalSourceVolumeID,
      }
    }
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
