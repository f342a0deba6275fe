import { createHmac, randomBytes } from 'node:crypto'
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { errorCode } from '../lib/errors.ts'
import { parseJSON, stringifyJSON } from '../lib/json.ts'
import { openDatabase } from '../lib/sqlite.ts'
import type { Inventory } from '../plan/ports.ts'
import type { InventoryRecord } from '../plan/record.ts'

const migrations = ['CREATE TABLE records (key TEXT PRIMARY KEY, record TEXT NOT NULL) STRICT']

/**
 * The inventory of one machine: SQLite in the data directory, held by one process, beside it the key of
 * the keyed hashes in a file of mode 0600.
 * @throws UsageError if another process holds the data directory, or its database cannot be read
 */
export function openSqliteInventory(dataDirectory: string): Inventory & { close(): void } {
  const database = openDatabase({
    path: join(dataDirectory, 'inventory.sqlite'),
    what: "the operator's inventory",
    migrations,
  })
  const hashKey = readOrCreateKey(join(dataDirectory, 'inventory.key'))
  const records = new Map<string, InventoryRecord>()
  for (const row of database.prepare('SELECT key, record FROM records').all()) {
    records.set(String(row.key), decodeRecord(String(row.record)))
  }
  const upsert = database.prepare(
    'INSERT INTO records (key, record) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET record = excluded.record',
  )
  const remove = database.prepare('DELETE FROM records WHERE key = ?')
  return {
    get: (key) => records.get(key),
    list: () => [...records.values()],
    put(record) {
      upsert.run(record.key, stringifyJSON(record))
      records.set(record.key, record)
    },
    delete(key) {
      remove.run(key)
      records.delete(key)
    },
    keyedHash: (text) => createHmac('sha256', hashKey).update(text).digest('hex'),
    close: () => database.close(),
  }
}

/** Capacities are bigint in a declaration; JSON gives small ones back as numbers. */
function decodeRecord(text: string): InventoryRecord {
  const record = parseJSON(text) as InventoryRecord // Written by put() alone; the migrations keep its shape.
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

/** Called under the database's lock. A file cut short by a crash is made anew: nothing was hashed with it. */
function readOrCreateKey(path: string): Buffer {
  const bytes = 32
  try {
    const key = readFileSync(path)
    if (key.length === bytes) return key
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error
  }
  const key = randomBytes(bytes)
  const file = openSync(`${path}.new`, 'w', 0o600)
  writeSync(file, key)
  fsyncSync(file)
  closeSync(file)
  renameSync(`${path}.new`, path)
  return key
}
