import { randomBytes } from 'node:crypto'
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { errorCode } from '../../lib/errors.ts'
import { parseJSON, stringifyJSON } from '../../lib/json.ts'
import { openDatabase, transaction } from '../../lib/sqlite.ts'
import type { Orders } from '../plan/orders.ts'
import type { InventoryRecord, Released } from '../plan/record.ts'
import { createGroupCommit } from './group-commit.ts'
import { createKeyedHash } from './keyed-hash.ts'
import { createLogSync } from './log-sync.ts'
import { createMemoryInventory, type KeptInventory, reviveRecord } from './memory-inventory.ts'

const migrations = [
  'CREATE TABLE records (key TEXT PRIMARY KEY, record TEXT NOT NULL) STRICT',
  `CREATE TABLE orders (key TEXT PRIMARY KEY, orders TEXT NOT NULL) STRICT;
   CREATE TABLE released (key TEXT, external_id TEXT, released TEXT NOT NULL, PRIMARY KEY (key, external_id)) STRICT`,
]

const databaseFile = 'inventory.sqlite'
const keyFile = 'inventory.key'

export interface SqliteInventory extends KeptInventory {
  close(): void
}

/** Whether an operator ever kept an inventory in this directory. */
export function hasSqliteInventory(dataDirectory: string): boolean {
  return existsSync(join(dataDirectory, databaseFile))
}

/**
 * The inventory of one machine: SQLite in the data directory, held by one process, beside it the key of
 * the keyed hashes in a file of mode 0600. Opening one that this release has opened before writes nothing.
 * @throws UsageError if another process holds the data directory, or its database cannot be read
 */
export function openSqliteInventory(dataDirectory: string): SqliteInventory {
  const path = join(dataDirectory, databaseFile)
  const database = openDatabase({ path, what: "the operator's inventory", migrations })
  // Each write waits for the log to be synced, and nothing else does.
  database.exec('PRAGMA synchronous = NORMAL')
  const log = createLogSync(`${path}-wal`)
  const hashKey = readHashKey(dataDirectory) ?? createHashKey(dataDirectory)
  // What put() and its like wrote, and nothing else: the migrations keep its shape.
  const read = (sql: string) => database.prepare(sql).all()
  const memory = createMemoryInventory(
    {
      records: read('SELECT record FROM records').map(({ record }) =>
        reviveRecord(parseJSON(String(record)) as InventoryRecord),
      ),
      orders: read('SELECT key, orders FROM orders').map(({ key, orders }) => [
        String(key),
        parseJSON(String(orders)) as Orders,
      ]),
      released: read('SELECT released FROM released').map(
        ({ released }) => parseJSON(String(released)) as Released,
      ),
    },
    createKeyedHash(hashKey),
  )
  const upsert = database.prepare('INSERT OR REPLACE INTO records (key, record) VALUES (?, ?)')
  const remove = database.prepare('DELETE FROM records WHERE key = ?')
  const upsertOrders = database.prepare('INSERT OR REPLACE INTO orders (key, orders) VALUES (?, ?)')
  const removeOrders = database.prepare('DELETE FROM orders WHERE key = ?')
  const upsertReleased = database.prepare('INSERT OR REPLACE INTO released VALUES (?, ?, ?)')
  const commit = createGroupCommit(database)
  const put: KeptInventory['put'] = async (record, { isOutcome = false } = {}) => {
    await commit.add(
      () => upsert.run(record.key, stringifyJSON(record)),
      () => memory.put(record),
    )
    // A disk that fails is told of by the next write that an effect waits for.
    if (isOutcome) void log.sync().catch(() => {})
    else await log.sync()
  }
  // The rest is rare, and committed at once: nothing comes between the read and the write of an amendment.
  return {
    ...memory,
    hashKey,
    put,
    async amend(key, change) {
      commit.flush()
      const record = memory.get(key)
      if (record === undefined) return
      const isWritten = put(change(record))
      commit.flush()
      await isWritten
    },
    async delete(key) {
      commit.flush()
      transaction(database, () => {
        remove.run(key)
        removeOrders.run(key)
      })
      await memory.delete(key)
      await log.sync()
    },
    async release(left) {
      commit.flush()
      upsertReleased.run(left.key, left.externalID, stringifyJSON(left))
      await memory.release(left)
      await log.sync()
    },
    async amendOrders(key, change) {
      const orders = change(memory.orders(key))
      upsertOrders.run(key, stringifyJSON(orders))
      await memory.amendOrders(key, () => orders)
      await log.sync()
    },
    close() {
      commit.flush()
      database.close()
      log.close()
    },
  }
}

const hashKeyBytes = 32

/** The key of the directory's hashes: undefined where there is none, or a crash cut it short. */
export function readHashKey(dataDirectory: string): Buffer | undefined {
  try {
    const key = readFileSync(join(dataDirectory, keyFile))
    return key.length === hashKeyBytes ? key : undefined
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error
    return undefined
  }
}

/** Called under the database's lock, and where nothing was hashed yet. */
function createHashKey(dataDirectory: string): Buffer {
  const path = join(dataDirectory, keyFile)
  const key = randomBytes(hashKeyBytes)
  const file = openSync(`${path}.new`, 'w', 0o600)
  writeSync(file, key)
  fsyncSync(file)
  closeSync(file)
  renameSync(`${path}.new`, path)
  return key
}
