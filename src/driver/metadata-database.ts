import { dirname } from 'node:path'
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { openDatabase } from '../lib/sqlite.ts'
import type { FileOperations } from './file-operations.ts'
import { createGroupSync } from './group-sync.ts'

/** The tables of the database: records as JSON, by ID. */
export const recordTables = ['volumes', 'snapshots', 'groups'] as const
export type RecordTable = (typeof recordTables)[number]

const migrations = [
  ...recordTables.map(
    (table) => `CREATE TABLE ${table} (id TEXT PRIMARY KEY, name TEXT UNIQUE, record TEXT NOT NULL) STRICT;`,
  ),
  // Names are looked up in memory. Two rows that a damage gave one name must not keep each other out.
  recordTables
    .map(
      (table) => `ALTER TABLE ${table} RENAME TO old_${table};
        CREATE TABLE ${table} (id TEXT PRIMARY KEY, record TEXT NOT NULL) STRICT;
        INSERT INTO ${table} SELECT id, record FROM old_${table};
        DROP TABLE old_${table};`,
    )
    .join('\n'),
]

/** The pool's database of records, held by this process alone. */
export interface MetadataDatabase {
  prepare(sql: string): StatementSync
  /** Runs statements in one transaction. A power cut may take it back, a killed process does not. */
  write(work: () => unknown): void
  /** Resolves when a power cut takes back nothing that was written before the call. Calls share one sync. */
  sync(): Promise<void>
  /** Gives back the room that the write-ahead log takes, where the database itself has room for what is in it. */
  shrinkLog(): void
  close(): void
}

/**
 * Opens the database, or makes it.
 * @throws UsageError when another process has it, or it cannot be used
 */
export async function openMetadataDatabase(path: string, files: FileOperations): Promise<MetadataDatabase> {
  const database = openDatabase({
    path,
    what: 'the metadata of the pool',
    remedies: {
      busy: 'end that one, or give another --pool',
      damaged: 'move it away, and it is made again from the files beside the volumes',
    },
    migrations,
  })
  // A commit leaves its write-ahead log to `sync`, which many commits share and which holds up nothing else.
  // SQLite still syncs what it must before it overwrites anything.
  database.exec('PRAGMA synchronous = NORMAL')
  let isLogSound = true
  const syncLog = async () => {
    if (!isLogSound) rewriteLog(database)
    isLogSound = false
    await files.sync(`${path}-wal`)
    isLogSound = true
  }
  try {
    // The log's own entry in its directory.
    await files.sync(dirname(path))
  } catch (error) {
    database.close()
    throw error
  }
  return {
    prepare: (sql) => database.prepare(sql),
    write: (work) => files.transact(database, work),
    sync: createGroupSync(syncLog),
    shrinkLog: () => rewriteLog(database),
    close: () => database.close(),
  }
}

/**
 * After a sync that failed the kernel takes what it could not write for written. So all of the log goes into
 * the database by a sync of its own, and the log begins anew.
 * @throws where that fails, too
 */
function rewriteLog(database: DatabaseSync): void {
  const result = database.prepare('PRAGMA wal_checkpoint(TRUNCATE)').get()
  if (result?.busy !== 0) throw new Error('the metadata of the pool could not be written to the disk')
}
