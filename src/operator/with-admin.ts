import { systemClock } from '../lib/clock.ts'
import { UsageError } from '../lib/errors.ts'
import type { Admin, OperatorInfo } from './admin/admin.ts'
import { connectAdmin } from './admin/admin-client.ts'
import { type Row, rowOfRecord } from './admin/row.ts'
import {
  hasSqliteInventory,
  openSqliteInventory,
  type SqliteInventory,
} from './inventory/sqlite-inventory.ts'
import { presentAll } from './operator-admin.ts'
import { createTakeOrder } from './orders/take-order.ts'
import { defaultRegion, operatorDirectory } from './settings.ts'

/** What the inventory alone can answer and take. */
export type InventoryAdmin = Pick<Admin, Exclude<keyof Admin, 'info' | 'orphans' | 'reconcile'>>

/** With the operator that runs on a data directory, or where none does with the inventory, under its lock. */
export type OpenAdmin =
  | { readonly running: true; readonly info: OperatorInfo; readonly admin: Admin }
  | { readonly running: false; readonly admin: InventoryAdmin }

/** What a person means by the flags of a command that asks the operator. */
export interface AdminFlags {
  readonly dataDir: string
  /** A NomadCluster. */
  readonly cluster?: string
}

/**
 * Runs `work` with whoever answers for the data directory.
 * @throws UsageError where no operator runs and none ever has
 */
export async function withAdmin<Result>(
  { dataDir: dataDirectory, cluster }: AdminFlags,
  work: (open: OpenAdmin) => Promise<Result>,
  region = defaultRegion,
): Promise<Result> {
  const directory = operatorDirectory(dataDirectory)
  const client = await connectAdmin(directory, cluster)
  if (client !== undefined) {
    try {
      return await work({ running: true, info: await client.info(), admin: client })
    } finally {
      await client.close()
    }
  }
  if (cluster !== undefined)
    throw new UsageError('no operator runs here, and only one that does knows of clusters')
  if (!hasSqliteInventory(directory)) {
    throw new UsageError(
      `no operator runs on ${dataDirectory}, and none ever has: start one by mooring run or mooring up, or say where it is by --data-dir`,
    )
  }
  const inventory = openSqliteInventory(directory)
  try {
    return await work({ running: false, admin: createInventoryAdmin(inventory, region) })
  } finally {
    inventory.close()
  }
}

/** @param region of the operator's Nomad, a part of the names that are chosen */
function createInventoryAdmin(inventory: SqliteInventory, region: string): InventoryAdmin {
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
