import type { Clock } from '../../lib/clock.ts'
import { UsageError } from '../../lib/errors.ts'
import type { Declaration } from '../declare/declaration.ts'
import { type Key, snapshotKey } from '../plan/identity.ts'
import { planDetachOrder, refuseRecreate } from '../plan/orders.ts'
import { wholeKeyOf } from '../plan/per-alloc.ts'
import type { Inventory } from '../plan/ports.ts'
import type { RestoreSource, SnapshotRecord, VolumeRecord } from '../plan/record.ts'
import { findReplaced, refuseRestoreOrder } from '../plan/restore-plan.ts'

/**
 * Records what a person orders by a command, beside the declaration. Each returns what to tell them, and
 * rejects with a UsageError where the order makes no sense.
 * @param declarations what the sources say, of identities too that no pass has looked at yet
 */
export function createOrders(
  inventory: Pick<Inventory, 'get' | 'list' | 'orders' | 'amendOrders' | 'released'>,
  clock: Pick<Clock, 'now'>,
  declarations: () => ReadonlyMap<Key, Declaration>,
  /** Why the outside does not allow a restore just now; asked where there is somebody to ask. */
  refuseNow: (record: VolumeRecord, source: RestoreSource) => Promise<string | undefined> = async () =>
    undefined,
): {
  suspend(key: Key): Promise<string>
  resume(key: Key): Promise<string>
  recreate(key: Key, lostExternalID: string): Promise<string>
  restore(key: Key, snapshot: string): Promise<string>
  restoreReplaced(key: Key, externalID: string): Promise<string>
  undoRestore(key: Key): Promise<string>
  keepSnapshot(key: Key): Promise<string>
  releaseSnapshot(key: Key): Promise<string>
  detach(key: Key, node: string): Promise<string>
} {
  /** Of a declaration with perAlloc, by the name of the whole. */
  function instancesOf(key: Key): Declaration[] {
    return [...inventory.list().map(({ declaration }) => declaration), ...declarations().values()].filter(
      (each) => wholeKeyOf(each) === key,
    )
  }
  function assertKnown(key: Key) {
    if (inventory.get(key) === undefined && declarations().get(key) === undefined) {
      throw new UsageError(`${key} is neither declared nor managed; mooring status lists what is`)
    }
  }
  function volumeOf(key: Key): VolumeRecord {
    assertKnown(key)
    const record = inventory.get(key)
    if (record?.kind === 'Volume') return record
    throw new UsageError(`${key} was not looked at yet: wait until mooring status shows it`)
  }
  function scheduledSnapshot(key: Key): SnapshotRecord {
    assertKnown(key)
    const record = inventory.get(key)
    if (record?.kind === 'Snapshot' && record.schedule !== undefined) return record
    throw new UsageError(
      `${key} was made by no schedule, so no retention ends it: its declaration keeps it by deletionPolicy: Retain`,
    )
  }
  function explainNoResume(key: Key, instance: Declaration | undefined): string {
    const declaration = instance ?? inventory.get(key)?.declaration ?? declarations().get(key)
    if (declaration?.spec.suspend) return 'suspended by spec.suspend in its declaration: change it there'
    const whole = declaration === undefined ? undefined : wholeKeyOf(declaration)
    return whole !== undefined && whole !== key && inventory.orders(whole).suspendedSinceMs !== undefined
      ? `suspended with all volumes of its declaration: resume ${whole}`
      : 'not suspended'
  }
  async function orderRestore(record: VolumeRecord, source: RestoreSource, refusalOfSource?: string) {
    const { key, externalID } = record
    const whole = wholeKeyOf(record.declaration)
    const orders = { ...(whole === undefined ? {} : inventory.orders(whole)), ...inventory.orders(key) }
    const refusal = refusalOfSource ?? refuseRestoreOrder(record, orders) ?? (await refuseNow(record, source))
    if (refusal !== undefined) throw new UsageError(`${key} is not restored: ${refusal}`)
    if (externalID === undefined) return
    await inventory.amendOrders(key, (orders) => ({
      ...orders,
      restore: { ...source, externalID, atMs: clock.now() },
    }))
  }
  return {
    async suspend(key) {
      if (instancesOf(key).length === 0) assertKnown(key)
      await inventory.amendOrders(key, (orders) => ({ suspendedSinceMs: clock.now(), ...orders }))
      return `${key} is suspended: nothing is done until mooring resume`
    },
    async resume(key) {
      const [instance] = instancesOf(key)
      if (instance === undefined) assertKnown(key)
      if (inventory.orders(key).suspendedSinceMs === undefined) {
        throw new UsageError(`${key} is ${explainNoResume(key, instance)}`)
      }
      await inventory.amendOrders(key, ({ suspendedSinceMs: _, ...others }) => others)
      return `${key} goes on`
    },
    async recreate(key, lostExternalID) {
      assertKnown(key)
      const record = inventory.get(key)
      if (record?.kind !== 'Volume') throw new UsageError(`${key} cannot be recreated: only a volume can`)
      const refusal = refuseRecreate(record, lostExternalID)
      if (refusal !== undefined) throw new UsageError(`${key} is not recreated: ${refusal}`)
      await inventory.amendOrders(key, (orders) => ({
        ...orders,
        recreate: { externalID: lostExternalID, atMs: clock.now() },
      }))
      return `${key} gives up external volume "${lostExternalID}"; a new one takes its place if it is still gone`
    },
    async detach(key, node) {
      const order = planDetachOrder(volumeOf(key), node, clock.now())
      if (typeof order === 'string') throw new UsageError(`${key} is not detached: ${order}`)
      await inventory.amendOrders(key, (orders) => ({
        ...orders,
        detach: [...(orders.detach ?? []).filter(({ nodeID }) => nodeID !== order.nodeID), order],
      }))
      return `${key} is taken off node ${order.nodeID}, unless an allocation lives there that claims it`
    },
    async restore(key, snapshot) {
      const record = volumeOf(key)
      const { refusal, snapshotID } = findSnapshot(inventory, record, snapshot)
      await orderRestore(record, { snapshotID }, refusal)
      return `${key} is restored from snapshot "${snapshotID}"; external volume "${record.externalID}" is kept, and listed as replaced`
    },
    async restoreReplaced(key, externalID) {
      const record = volumeOf(key)
      const found = findReplaced(record, externalID, inventory.released(), inventory.list())
      await orderRestore(record, { backTo: externalID }, typeof found === 'string' ? found : undefined)
      return `${key} gets external volume "${externalID}" back; "${record.externalID}" is kept, and listed as replaced`
    },
    async undoRestore(key) {
      const record = volumeOf(key)
      const { restore } = record
      if (restore === undefined) {
        if (inventory.orders(key).restore === undefined) {
          throw new UsageError(
            `${key} has no restore under way; mooring describe shows how the last one ended`,
          )
        }
        await inventory.amendOrders(key, ({ restore: _, ...orders }) => orders)
        return `${key} is not restored: the order is taken back`
      }
      const { csiName } = restore
      await inventory.amendOrders(key, (orders) => ({
        ...orders,
        undoRestore: { csiName, atMs: clock.now() },
      }))
      return `${key} gets external volume "${record.externalID}" back, unless the new one turns out to be there already`
    },
    async keepSnapshot(key) {
      const { schedule } = scheduledSnapshot(key)
      if (schedule?.isExpired) throw new UsageError(`${key} has expired, and is being deleted already`)
      await inventory.amendOrders(key, (orders) => ({ keptSinceMs: clock.now(), ...orders }))
      return `${key} is kept, whatever the retention of its schedule says, until mooring snapshot keep --release`
    },
    async releaseSnapshot(key) {
      scheduledSnapshot(key)
      if (inventory.orders(key).keptSinceMs === undefined)
        throw new UsageError(`${key} is not kept by an order`)
      await inventory.amendOrders(key, ({ keptSinceMs: _, ...orders }) => orders)
      return `${key} is left to the retention of its schedule again`
    },
  }
}

/**
 * The snapshot that a person means: a declared one or one that a schedule made, by its name, else one of
 * the plugin's by its ID.
 */
function findSnapshot(
  inventory: Pick<Inventory, 'get' | 'list'>,
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
    const refusal = `snapshot "${text}" is of plugin "${record.pluginID}", and the volume of "${spec.pluginID}"`
    return { snapshotID, refusal }
  }
  if (record.snapshotID === undefined || ready?.status !== 'True') {
    const refusal = `snapshot "${text}" is not ready (${ready?.reason ?? 'New'}): ${ready?.message ?? 'nobody looked at it yet'}`
    return { snapshotID, refusal }
  }
  if (record.schedule?.isExpired)
    return { snapshotID, refusal: `snapshot "${text}" has expired, and is being deleted` }
  return { snapshotID }
}
