import { randomBytes } from 'node:crypto'
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import { errorCode } from '../../lib/errors.ts'
import { parseJSON, stringifyJSON } from '../../lib/json.ts'
import { type Migration, openDatabase, orClose, transaction } from '../../lib/sqlite.ts'
import type { Key } from '../plan/identity.ts'
import type { Orders } from '../plan/orders.ts'
import type { Declared, ManagedPart } from '../plan/record.ts'
import type { Released } from '../plan/released.ts'
import { createGroupCommit } from './group-commit.ts'
import { createKeyedHash } from './keyed-hash.ts'
import { createLogSync, type LogSync } from './log-sync.ts'
import { createMemoryInventory, type LastingInventory } from './memory-inventory.ts'
import { reviveDeclared, reviveManaged, takeApart, type WholeRecord } from './stored-parts.ts'

const migrations: readonly Migration[] = [
  'CREATE TABLE records (key TEXT PRIMARY KEY, record TEXT NOT NULL) STRICT',
  `CREATE TABLE orders (key TEXT PRIMARY KEY, orders TEXT NOT NULL) STRICT;
   CREATE TABLE released (key TEXT, external_id TEXT, released TEXT NOT NULL, PRIMARY KEY (key, external_id)) STRICT`,
  separateOwners,
]

/** Migration: splits the record that readings and passes both wrote into one part for each. */
function separateOwners(database: DatabaseSync): void {
  database.exec(`
    CREATE TABLE declared (key TEXT PRIMARY KEY, declared TEXT NOT NULL) STRICT;
    CREATE TABLE managed (key TEXT PRIMARY KEY, managed TEXT NOT NULL) STRICT`)
  const declare = database.prepare('INSERT INTO declared VALUES (?, ?)')
  const manage = database.prepare('INSERT INTO managed VALUES (?, ?)')
  const order = database.prepare('INSERT OR REPLACE INTO orders VALUES (?, ?)')
  const orders = new Map(
    database
      .prepare('SELECT key, orders FROM orders')
      .all()
      .map((row) => [String(row.key), parseJSON(String(row.orders)) as Orders]),
  )
  for (const row of database.prepare('SELECT record FROM records').all()) {
    const whole = parseJSON(String(row.record)) as WholeRecord
    const before = orders.get(whole.key) ?? {}
    const parts = takeApart(whole, before)
    declare.run(whole.key, stringifyJSON(parts.declared))
    manage.run(whole.key, stringifyJSON(parts.managed))
    if (parts.orders !== before) order.run(whole.key, stringifyJSON(parts.orders))
  }
  database.exec('DROP TABLE records')
}

const databaseFile = 'inventory.sqlite'
const keyFile = 'inventory.key'

export interface SqliteInventory extends LastingInventory {
  close(): void
}

/** Whether the directory has an inventory. */
export function hasSqliteInventory(dataDirectory: string): boolean {
  return existsSync(join(dataDirectory, databaseFile))
}

/**
 * Opens the inventory of one machine: a SQLite database in the data directory, locked by one process. The key of the
 * keyed hashes is a file of mode 0600 beside it.
 * @throws UsageError if another process has locked the data directory, or the database cannot be read
 */
export function openSqliteInventory(dataDirectory: string): SqliteInventory {
  const path = join(dataDirectory, databaseFile)
  const database = openDatabase({ path, what: "the operator's inventory", migrations })
  return orClose(database, () => createInventory(database, dataDirectory, createLogSync(`${path}-wal`)))
}

function createInventory(database: DatabaseSync, dataDirectory: string, log: LogSync): SqliteInventory {
  // createLogSync syncs instead: a write waits for it, and the event loop does not.
  database.exec('PRAGMA synchronous = NORMAL')
  const hashKey = readHashKey(dataDirectory) ?? createHashKey(dataDirectory)
  // Only this file writes these rows, so they need no validation.
  const read = (sql: string) => database.prepare(sql).all()
  const memory = createMemoryInventory(
    {
      declared: read('SELECT declared FROM declared').map(({ declared }) =>
        reviveDeclared(parseJSON(String(declared)) as Declared),
      ),
      managed: read('SELECT managed FROM managed').map(({ managed }) =>
        reviveManaged(parseJSON(String(managed)) as ManagedPart),
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
  const upsertDeclared = database.prepare('INSERT OR REPLACE INTO declared VALUES (?, ?)')
  const upsertManaged = database.prepare('INSERT OR REPLACE INTO managed VALUES (?, ?)')
  const upsertOrders = database.prepare('INSERT OR REPLACE INTO orders (key, orders) VALUES (?, ?)')
  const upsertReleased = database.prepare('INSERT OR REPLACE INTO released VALUES (?, ?, ?)')
  const removals = ['declared', 'managed', 'orders'].map((table) =>
    database.prepare(`DELETE FROM ${table} WHERE key = ?`),
  )
  const commit = createGroupCommit(database)
  /** A declaration is stored only together with a managed part. */
  const isStored = (key: Key) => memory.managed(key) !== undefined
  return {
    ...memory,
    hashKey,
    async declare(declared) {
      const { key } = declared
      // Until a pass has written something, the declaration stays in memory.
      if (!isStored(key)) return memory.declare(declared)
      await commit.add(
        () => upsertDeclared.run(key, stringifyJSON(declared)),
        () => memory.declare(declared),
      )
      await log.sync()
    },
    async put(managed, { isOutcome = false } = {}) {
      const { key } = managed
      const declared = memory.declared(key)
      if (declared === undefined) throw new Error(`${key} was never declared`)
      await commit.add(
        () => {
          upsertManaged.run(key, stringifyJSON(managed))
          // A reading may have changed or removed the declaration since this call.
          if (!isStored(key)) upsertDeclared.run(key, stringifyJSON(memory.declared(key) ?? declared))
        },
        () => {
          if (memory.declared(key) === undefined) void memory.declare(declared)
          void memory.put(managed)
        },
      )
      // If the disk fails, the next write that an effect waits for reports it.
      if (isOutcome) void log.sync().catch(() => {})
      else await log.sync()
    },
    // The other writes are rare. Each commits at once, so that nothing comes between the read and the write.
    async delete(key) {
      commit.flush()
      transaction(database, () => {
        for (const remove of removals) remove.run(key)
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

/** Reads the key of the keyed hashes. @returns undefined if there is none, or a crash left it incomplete */
export function readHashKey(dataDirectory: string): Buffer | undefined {
  try {
    const key = readFileSync(join(dataDirectory, keyFile))
    return key.length === hashKeyBytes ? key : undefined
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error
    return undefined
  }
}

/** Needs the lock of the database. */
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
