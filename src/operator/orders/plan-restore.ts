import { mayName, noneAllowed } from '../declare/allowed-ids.ts'
import { explainForeignID, ownIDs } from '../plan/foreign-ids.ts'
import { snapshotKey } from '../plan/identity.ts'
import { wholeKeyOf } from '../plan/per-alloc.ts'
import type { RestoreSource, VolumeRecord } from '../plan/record.ts'
import { findReplaced, refuseRestoreOrder } from '../plan/restore-plan.ts'
import { type Known, type PlannedOrder, type Planner, type Planners, refuse, volumeOf } from './planner.ts'

const planRestore: Planner<'restore'> = ({ key, snapshot, replaces }, known) => {
  const record = volumeOf(key, known)
  const { snapshotID, refusal } = findSnapshot(known.inventory, record, snapshot)
  return planReplacement(
    record,
    { snapshotID },
    refuseReplaced(record, replaces) ?? refuseForeignSnapshot(record, snapshotID, known) ?? refusal,
    `ordered: ${key} is to be restored from snapshot "${snapshotID}". External volume "${record.externalID}" is kept, and listed as replaced`,
    known,
  )
}

const planRestoreBack: Planner<'restoreBack'> = ({ key, externalID, replaces }, known) => {
  const record = volumeOf(key, known)
  const found = findReplaced(record, externalID, known.inventory.released(), known.inventory.list())
  return planReplacement(
    record,
    { backTo: externalID },
    refuseReplaced(record, replaces) ?? (typeof found === 'string' ? found : undefined),
    `${key} gets external volume "${externalID}" back. External volume "${record.externalID}" is kept, and listed as replaced`,
    known,
  )
}

const planUndoRestore: Planner<'undoRestore'> = ({ key }, known) => {
  const record = volumeOf(key, known)
  const { restore } = record
  if (restore !== undefined) {
    const undoRestore = { csiName: restore.csiName, atMs: known.nowMs }
    return {
      message: `ordered: ${key} gets external volume "${record.externalID}" back, unless the new one is found to exist already`,
      change: { key, by: (orders) => ({ ...orders, undoRestore }) },
    }
  }
  if (known.inventory.orders(key).restore === undefined)
    return refuse(`${key} has no restore under way: mooring describe shows how the last one ended`)
  return {
    message: `${key} is not restored: the order is taken back`,
    change: { key, by: ({ restore: _, ...orders }) => orders },
  }
}

export const restorePlanners = {
  restore: planRestore,
  restoreBack: planRestoreBack,
  undoRestore: planUndoRestore,
} satisfies Partial<Planners>

function planReplacement(
  record: VolumeRecord,
  source: RestoreSource,
  refusalOfSource: string | undefined,
  message: string,
  { inventory, nowMs }: Known,
): PlannedOrder {
  const { key, externalID } = record
  const whole = wholeKeyOf(record.declaration)
  const orders = { ...(whole === undefined ? {} : inventory.orders(whole)), ...inventory.orders(key) }
  const refusal = refusalOfSource ?? refuseRestoreOrder(record, orders)
  if (refusal !== undefined) return refuse(`${key} is not restored: ${refusal}`)
  // A volume that has none was refused above.
  const restore = { ...source, externalID: externalID ?? '', atMs: nowMs }
  return {
    message,
    change: { key, by: (before) => ({ ...before, restore }) },
    question: { about: 'restore', record, source },
  }
}

/** Why a person did not mean this: the volume has another external volume than they saw. */
function refuseReplaced({ externalID }: VolumeRecord, replaces: string | undefined): string | undefined {
  return replaces === undefined || replaces === externalID
    ? undefined
    : `the order is to replace external volume "${replaces}", and it has "${externalID}" by now; look at it again`
}

/** Why the volume may not get the data of this snapshot: it is of another namespace, or nobody knows whose it is. */
function refuseForeignSnapshot(
  { declaration: { spec, place } }: VolumeRecord,
  snapshotID: string,
  { inventory, allowedIDs = noneAllowed }: Known,
): string | undefined {
  const named = { pluginID: spec.pluginID, id: snapshotID }
  if (snapshotID === '' || mayName(allowedIDs, place, named)) return undefined
  const own = ownIDs(spec.namespace, spec.pluginID, inventory.list(), inventory.released())
  return own.ids.has(snapshotID)
    ? undefined
    : explainForeignID({ field: 'snapshot', ...named }, allowedIDs, place)
}

/**
 * Finds the snapshot that a person means: by its name a declared one or one of a schedule, or else by its ID one of
 * the plugin.
 */
function findSnapshot(
  inventory: Known['inventory'],
  { declaration: { spec } }: VolumeRecord,
  text: string,
): { snapshotID: string; refusal?: string } {
  const named = inventory.get(snapshotKey(spec.namespace, text))
  const byID = inventory
    .list()
    .find(
      (record) =>
        record.kind === 'Snapshot' && record.snapshotID === text && record.pluginID === spec.pluginID,
    )
  const record = named ?? byID
  if (record?.kind !== 'Snapshot') return { snapshotID: text }
  const snapshotID = record.snapshotID ?? ''
  const ready = record.status.conditions.find(({ type }) => type === 'Ready')
  if (record.pluginID !== undefined && record.pluginID !== spec.pluginID) {
    const refusal = `snapshot "${text}" belongs to plugin "${record.pluginID}", and the volume to plugin "${spec.pluginID}"`
    return { snapshotID, refusal }
  }
  if (record.snapshotID === undefined || ready?.status !== 'True') {
    const why = ready?.message ?? 'the operator has not looked at it yet'
    return { snapshotID, refusal: `snapshot "${text}" is not ready (${ready?.reason ?? 'New'}): ${why}` }
  }
  return record.schedule?.isExpired
    ? { snapshotID, refusal: `snapshot "${text}" has expired and is being deleted` }
    : { snapshotID }
}
