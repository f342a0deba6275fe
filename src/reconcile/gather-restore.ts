import { hasCapability } from '../plan/plugin-gate.ts'
import type { VolumeRecord } from '../plan/record.ts'
import { type RestoreObservation, refuseRestore, refuseRestoreOrder } from '../plan/restore-plan.ts'
import { compareVolume, type HiddenHashes } from '../plan/volume-difference.ts'
import type { Volume } from '../wire/volume.ts'
import type { ReconcileContext } from './context.ts'

/** What was ordered of a restore; the plugin is asked for its snapshots only where one is about to begin. */
export async function gatherRestore(
  { inventory, observer }: ReconcileContext,
  record: VolumeRecord,
  volume: Volume | undefined,
  hashes: HiddenHashes,
): Promise<RestoreObservation> {
  const orders = inventory.orders(record.key)
  if (record.restore !== undefined) {
    return { isUndoOrdered: orders.undoRestore?.csiName === record.restore.csiName }
  }
  const { restore } = orders
  // It names the external volume that it replaces, so that it holds once.
  if (restore === undefined || restore.externalID !== record.externalID) return { isUndoOrdered: false }
  const { spec } = record.declaration
  const { snapshotID } = restore
  const plugin = await observer.plugin(spec.pluginID)
  observer.invalidate({ pluginID: spec.pluginID })
  const snapshot = hasCapability(plugin, 'SupportsListSnapshots')
    ? ((await observer.snapshots(spec.pluginID)).get(snapshotID) ?? 'unlisted')
    : 'unknown'
  const refusal =
    refuseRestoreOrder(record, {}) ??
    refuseRestore(record, snapshotID, {
      volume,
      plugin,
      snapshot,
      unreadable: volume === undefined ? [] : compareVolume(spec, record, volume, hashes).unreadable,
    })
  return { ordered: { snapshotID, refusal }, isUndoOrdered: false }
}
