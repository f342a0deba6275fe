import type { Observer } from '../../nomad/ports.ts'
import type { Plugin } from '../../wire/plugin.ts'
import type { Volume } from '../../wire/volume.ts'
import { hasCapability } from '../plan/plugin-gate.ts'
import type { HiddenHashes, RestoreSource, VolumeRecord } from '../plan/record.ts'
import {
  findReplaced,
  type RestoreGuards,
  type RestoreObservation,
  refuseRestore,
  refuseRestoreOrder,
} from '../plan/restore-plan.ts'
import { compareVolume } from '../plan/volume-difference.ts'
import type { GatherContext } from './context.ts'

/** Reads the orders of a restore. The plugin's lists are only read if a restore is about to begin. */
export async function gatherRestore(
  { inventory, observer }: GatherContext,
  record: VolumeRecord,
  volume: Volume | undefined,
  hashes: HiddenHashes,
): Promise<RestoreObservation> {
  const orders = inventory.orders(record.key)
  if (record.restore !== undefined) {
    return { isUndoOrdered: orders.undoRestore?.csiName === record.restore.csiName }
  }
  const { restore } = orders
  // The order names the external volume that it replaces, so it counts only once.
  if (restore === undefined || restore.externalID !== record.externalID) return { isUndoOrdered: false }
  const { spec } = record.declaration
  const { externalID: _, atMs: __, ...source } = restore
  const replaced =
    source.backTo === undefined
      ? undefined
      : findReplaced(record, source.backTo, inventory.released(), inventory.list())
  const plugin = await observer.plugin(spec.pluginID)
  observer.invalidate({ pluginID: spec.pluginID })
  const refusal =
    refuseRestoreOrder(record, {}) ??
    (typeof replaced === 'string' ? replaced : undefined) ??
    refuseRestore(record, source, {
      volume,
      plugin,
      source: await findRestoreSource(observer, plugin, source),
      unreadable: volume === undefined ? [] : compareVolume(spec, record, volume, hashes).unreadable,
    })
  return { ordered: { ...source, refusal }, isUndoOrdered: false }
}

/** The source of a restore as the plugin lists it. */
export async function findRestoreSource(
  lists: Pick<Observer, 'snapshots' | 'externalVolumes'>,
  plugin: Plugin | undefined,
  { snapshotID, backTo }: RestoreSource,
): Promise<RestoreGuards['source']> {
  if (snapshotID !== undefined) {
    if (plugin === undefined || !hasCapability(plugin, 'SupportsListSnapshots')) return 'unknown'
    return (await lists.snapshots(plugin.ID)).get(snapshotID) ?? 'unlisted'
  }
  if (plugin === undefined || !hasCapability(plugin, 'SupportsListVolumes')) return 'unknown'
  return (await lists.externalVolumes(plugin.ID)).get(backTo) ?? 'unlisted'
}
