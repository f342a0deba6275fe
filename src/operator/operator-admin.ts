import type { Clock } from '../lib/clock.ts'
import { UsageError } from '../lib/errors.ts'
import type { NomadClient } from '../nomad/client.ts'
import type { Admin, OperatorInfo } from './admin/admin.ts'
import { findOrphans } from './admin/find-orphans.ts'
import { type ManagedObject, presentObject, presentWhole } from './admin/managed-object.ts'
import { presentWholes } from './admin/present-instances.ts'
import type { Operator } from './control-loop.ts'
import type { Declaration } from './declare/declaration.ts'
import type { SqliteInventory } from './inventory/sqlite-inventory.ts'
import { createOrders } from './orders/apply-orders.ts'
import { startRun } from './orders/start-run.ts'
import { type Key, keyOf } from './plan/identity.ts'
import { wholeKeyOf } from './plan/per-alloc.ts'
import type { InventoryRecord } from './plan/record.ts'
import { refuseRestore } from './plan/restore-plan.ts'
import { findRestoreSource } from './reconcile/gather-restore.ts'

/** How long a status request waits for a change. */
const statusWaitMs = 30_000

/** The running operator's own answers to the commands. Closing it lets go of whoever waits for a change. */
export function createOperatorAdmin(options: {
  readonly operator: Operator
  readonly inventory: Pick<
    SqliteInventory,
    'contents' | 'get' | 'list' | 'put' | 'orders' | 'amendOrders' | 'released'
  >
  readonly hashKey: Buffer
  readonly client: NomadClient
  readonly clock: Clock
  readonly info: OperatorInfo
  /** A part of the names that are chosen. */
  readonly region: string
}): Admin & { close(): void } {
  const { operator, inventory, hashKey, client, clock, info, region } = options
  let version = 1
  let isClosed = false
  const waiters = new Set<() => void>()
  operator.onChange(() => {
    version += 1
    for (const waiter of waiters) waiter()
  })
  const orders = createOrders(inventory, clock, operator.desired.declarations, async (record, source) => {
    const { namespace, volumeID, pluginID } = record.declaration.spec
    const [volume, plugin] = await Promise.all([
      client.readVolume(namespace, volumeID),
      client.readPlugin(pluginID),
    ])
    const lists = { snapshots: client.listSnapshots, externalVolumes: client.listExternalVolumes }
    const found = await findRestoreSource(lists, plugin, source)
    return refuseRestore(record, source, { volume, plugin, source: found, unreadable: [] })
  })

  function assertTakesOrders() {
    if (info.readOnly) throw new UsageError('the operator runs with --read-only, which takes no orders')
  }

  async function ordered(key: Key, order: () => Promise<string>): Promise<string> {
    assertTakesOrders()
    const message = await order()
    operator.look(key)
    for (const declaration of operator.desired.declarations().values()) {
      if (wholeKeyOf(declaration) === key) operator.look(keyOf(declaration))
    }
    // What is kept is decided by the schedule that made it.
    const record = inventory.get(key)
    if (record?.kind === 'Snapshot' && record.schedule) operator.look(record.schedule.schedule)
    return message
  }

  function changedSince(after: number): Promise<void> {
    if (version !== after || isClosed) return Promise.resolve()
    return new Promise((resolve) => {
      const done = () => {
        cancel()
        waiters.delete(done)
        resolve()
      }
      const cancel = clock.after(statusWaitMs, done)
      waiters.add(done)
    })
  }

  return {
    info: async () => info,
    async status(after) {
      if (after !== undefined) await changedSince(after)
      return { version, rows: operator.rows() }
    },
    async objects() {
      const declared = operator.desired.declarations()
      return presentAll(inventory, declared)
    },
    inventory: async () => inventory.contents(),
    hashKey: async () => hashKey.toString('base64'),
    orphans: () =>
      findOrphans({
        client,
        managed: () => ({
          records: inventory.list(),
          released: inventory.released(),
          declarations: [...operator.desired.declarations().values()],
        }),
      }),
    suspend: (key) => ordered(key, () => orders.suspend(key)),
    resume: (key) => ordered(key, () => orders.resume(key)),
    recreate: (key, lostExternalID) => ordered(key, () => orders.recreate(key, lostExternalID)),
    restore: (key, snapshot) => ordered(key, () => orders.restore(key, snapshot)),
    restoreReplaced: (key, externalID) => ordered(key, () => orders.restoreReplaced(key, externalID)),
    undoRestore: (key) => ordered(key, () => orders.undoRestore(key)),
    async snapshotNow(target, volume) {
      assertTakesOrders()
      const declarations = [...operator.desired.declarations().values()]
      const { message, keys } = await startRun({ inventory, declarations, clock, region }, { target, volume })
      for (const key of keys) operator.look(key)
      return message
    },
    keepSnapshot: (key) => ordered(key, () => orders.keepSnapshot(key)),
    releaseSnapshot: (key) => ordered(key, () => orders.releaseSnapshot(key)),
    detach: (key, node) =>
      ordered(key, async () => {
        await assertNothingLives(client, inventory.get(key), node)
        return orders.detach(key, node)
      }),
    reconcile: () => operator.settle(),
    close() {
      isClosed = true
      for (const waiter of waiters) waiter()
    },
  }
}

/** Everything that is declared or managed, in the order of keys. */
export function presentAll(
  inventory: Pick<SqliteInventory, 'get' | 'list' | 'orders' | 'released'>,
  declared: ReadonlyMap<Key, Declaration>,
): ManagedObject[] {
  const released = Map.groupBy(inventory.released(), ({ key }) => key)
  const declarations = new Map(inventory.list().map(({ key, declaration }) => [key, declaration]))
  for (const [key, declaration] of declared) declarations.set(key, declaration)
  const wholes = presentWholes(declarations, (key) => {
    const record = inventory.get(key)
    return record?.kind === 'Volume' ? record : undefined
  })
  return [
    ...[...declarations].map(([key, declaration]) =>
      presentObject(inventory.get(key), declaration, inventory.orders(key), released.get(key) ?? []),
    ),
    ...wholes.map((whole) => presentWhole(whole, inventory.orders(keyOf(whole.declaration)))),
  ].sort((one, other) => (one.status.key < other.status.key ? -1 : 1))
}

/** @throws UsageError where an allocation lives on the node, by Nomad's own word: then it is not dead */
async function assertNothingLives(
  client: Pick<NomadClient, 'listAllocations'>,
  record: InventoryRecord | undefined,
  node: string,
): Promise<void> {
  if (record?.kind !== 'Volume') return
  const { claims = [] } = record.status
  const allocations = await client.listAllocations(record.declaration.spec.namespace)
  const living = claims.filter((id) => {
    const allocation = allocations.get(id)
    return allocation?.NodeID.startsWith(node) && ['running', 'pending'].includes(allocation.ClientStatus)
  })
  if (living.length > 0) {
    throw new UsageError(
      `${record.key} is not detached: Nomad counts allocation ${living.join(', ')} on that node as living; stop it, or wait until Nomad gives it up`,
    )
  }
}
