import type { Clock } from '../lib/clock.ts'
import { UsageError } from '../lib/errors.ts'
import type { NomadClient } from '../nomad/client.ts'
import type { Admin, OperatorInfo } from './admin/admin.ts'
import { findOrphans } from './admin/find-orphans.ts'
import { type ManagedObject, presentObject, presentWhole } from './admin/managed-object.ts'
import { presentWholes } from './admin/present-instances.ts'
import type { ControlLoop } from './control-loop.ts'
import type { Declaration } from './declare/declaration.ts'
import type { SqliteInventory } from './inventory/sqlite-inventory.ts'
import type { TakeOrder } from './orders/take-order.ts'
import { type Key, keyOf } from './plan/identity.ts'

/** How long a status request waits for a change. */
const statusWaitMs = 30_000

/** Answers commands for the running operator. Closing it answers whoever waits for a change. */
export function createOperatorAdmin(options: {
  readonly operator: ControlLoop
  readonly inventory: Pick<SqliteInventory, 'contents' | 'get' | 'list' | 'orders' | 'released'>
  readonly hashKey: Buffer
  readonly client: NomadClient
  readonly clock: Clock
  readonly info: OperatorInfo
  readonly takeOrder: TakeOrder
}): Admin & { close(): void } {
  const { operator, inventory, hashKey, client, clock, info, takeOrder } = options
  let version = 1
  let isClosed = false
  const waiters = new Set<() => void>()
  operator.onChange(() => {
    version += 1
    for (const waiter of waiters) waiter()
  })

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
    async order(order, by) {
      if (info.readOnly) throw new UsageError('the operator runs with --read-only: it takes no orders')
      return takeOrder(order, by)
    },
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
