import { randomBytes } from 'node:crypto'
import { adminSocketPath } from '../lib/admin-socket.ts'
import { currentUser } from '../lib/current-user.ts'
import { UsageError } from '../lib/errors.ts'
import type { OperatorInfo } from './admin/admin.ts'
import { type AdminClient, connectAdmin } from './admin/admin-client.ts'
import { createKeyedHash } from './inventory/keyed-hash.ts'
import { emptyContents, type InventoryContents } from './inventory/memory-inventory.ts'
import { hasSqliteInventory } from './inventory/sqlite-inventory.ts'
import type { InventoryAdmin } from './inventory-admin.ts'
import { defaultRegion, operatorDirectory } from './operator-directory.ts'
import type { OrderGiver } from './plan/orders.ts'

/** Whoever answers for a data directory: the operator that runs there, or else the inventory, under its lock. */
export type OpenAdmin =
  | { readonly running: true; readonly info: OperatorInfo; readonly admin: AdminClient }
  | { readonly running: false; readonly admin: InventoryAdmin }

/** The giver of an order by a command: the user of this process. */
export function commandGiver(): OrderGiver {
  const user = currentUser()
  return { via: 'command', ...(user === undefined ? {} : { user }) }
}

/** Which operator a command asks. */
export interface AdminFlags {
  readonly dataDir: string
  /** The name of a NomadCluster. */
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
  assertNoCluster(cluster)
  if (!hasSqliteInventory(directory)) {
    throw new UsageError(
      `no operator runs on ${dataDirectory} (nothing answers at ${adminSocketPath(directory)}), and none ever has: start one with mooring run or mooring up, or name its folder with --data-dir`,
    )
  }
  // Loaded here: with a running operator, nothing of this is needed.
  const { createInventoryAdmin, openSqliteInventory } = await import('./inventory-admin.ts')
  const inventory = openSqliteInventory(directory)
  try {
    return await work({ running: false, admin: createInventoryAdmin(inventory, region) })
  } finally {
    inventory.close()
  }
}

/** @throws UsageError where a NomadCluster is named, and no operator runs here */
export function assertNoCluster(cluster: string | undefined): void {
  if (cluster !== undefined)
    throw new UsageError(
      'no operator runs here, and only a running one knows of NomadClusters: leave --cluster out, or ask where one runs',
    )
}

/** Reads what the operator here has recorded, or what the last one left. Empty where there never was one. */
export async function readInventory(dataDirectory: string): Promise<{
  readonly info?: OperatorInfo
  readonly contents: InventoryContents
  readonly keyedHash: (text: string) => string
}> {
  const directory = operatorDirectory(dataDirectory)
  const client = await connectAdmin(directory)
  await client?.close()
  if (client === undefined && !hasSqliteInventory(directory))
    return { contents: emptyContents, keyedHash: createKeyedHash(randomBytes(32)) }
  return withAdmin({ dataDir: dataDirectory }, async (open) => ({
    ...(open.running ? { info: open.info } : {}),
    contents: await open.admin.inventory(),
    keyedHash: createKeyedHash(Buffer.from(await open.admin.hashKey(), 'base64')),
  }))
}
