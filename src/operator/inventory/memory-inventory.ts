import type { Key } from '../plan/identity.ts'
import type { Orders } from '../plan/orders.ts'
import type { Inventory } from '../plan/ports.ts'
import type { InventoryRecord, Released } from '../plan/record.ts'

/** All that an inventory holds, but for the key of its hashes. */
export interface InventoryContents {
  readonly records: readonly InventoryRecord[]
  readonly orders: readonly (readonly [Key, Orders])[]
  readonly released: readonly Released[]
}

/** An inventory that lasts, with what a plan beside the operator needs of it. */
export interface KeptInventory extends Inventory {
  contents(): InventoryContents
  /** Of the keyed hashes. Shown to the operator's own user alone. */
  readonly hashKey: Buffer
}

export const emptyContents: InventoryContents = { records: [], orders: [], released: [] }

/** An inventory that is gone with the process: for deciding without acting, and beneath those that last. */
export function createMemoryInventory(
  contents: InventoryContents,
  keyedHash: (text: string) => string,
): Inventory & { contents(): InventoryContents } {
  const records = new Map(contents.records.map((record) => [record.key, record]))
  const orders = new Map(contents.orders)
  const released = new Map(contents.released.map((each) => [releasedToken(each), each]))
  return {
    get: (key) => records.get(key),
    list: () => [...records.values()],
    async put(record) {
      records.set(record.key, record)
    },
    async amend(key, change) {
      const record = records.get(key)
      if (record !== undefined) records.set(key, change(record))
    },
    async delete(key) {
      records.delete(key)
      orders.delete(key)
    },
    async release(left) {
      released.set(releasedToken(left), left)
    },
    released: () => [...released.values()],
    orders: (key) => orders.get(key) ?? {},
    async amendOrders(key, change) {
      orders.set(key, change(orders.get(key) ?? {}))
    },
    keyedHash,
    contents: () => ({
      records: [...records.values()],
      orders: [...orders],
      released: [...released.values()],
    }),
  }
}

function releasedToken({ key, externalID }: Released): string {
  return JSON.stringify([key, externalID])
}

/** A record as JSON gave it: capacities are bigint in a declaration, and small ones came back as numbers. */
export function reviveRecord(record: InventoryRecord): InventoryRecord {
  if (record.kind !== 'Volume' || record.declaration.spec.capacity === undefined) return record
  const { min, max } = record.declaration.spec.capacity
  const capacity = {
    ...(min === undefined ? {} : { min: BigInt(min) }),
    ...(max === undefined ? {} : { max: BigInt(max) }),
  }
  return {
    ...record,
    declaration: { ...record.declaration, spec: { ...record.declaration.spec, capacity } },
  }
}
