import { systemClock } from '../lib/clock.ts'
import type { Admin } from './admin/admin.ts'
import { type Row, rowOfRecord } from './admin/row.ts'
import type { SqliteInventory } from './inventory/sqlite-inventory.ts'
import { presentAll } from './operator-admin.ts'
import { createTakeOrder } from './orders/take-order.ts'

export { openSqliteInventory } from './inventory/sqlite-inventory.ts'

/** What can be answered and ordered where no operator runs: by the inventory alone. */
export type InventoryAdmin = Pick<Admin, Exclude<keyof Admin, 'info' | 'orphans' | 'reconcile'>>

/**
 * Answers from the inventory alone. The caller holds its lock.
 * @param region of the operator's Nomad, a part of the names that are chosen
 */
export function createInventoryAdmin(inventory: SqliteInventory, region: string): InventoryAdmin {
  const takeOrder = createTakeOrder({
    inventory,
    declarations: () => new Map(inventory.list().map(({ key, declaration }) => [key, declaration])),
    clock: systemClock,
    region,
  })
  return {
    async status() {
      const rows = inventory.list().map(rowOfRecord)
      return { version: 0, rows: rows.sort((one, other) => (nameOf(one) < nameOf(other) ? -1 : 1)) }
    },
    objects: async () => presentAll(inventory, new Map()),
    inventory: async () => inventory.contents(),
    hashKey: async () => inventory.hashKey.toString('base64'),
    order: takeOrder,
  }
}

function nameOf({ kind, name }: Row): string {
  return `${kind} ${name}`
}
