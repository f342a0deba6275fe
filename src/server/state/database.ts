import { closeSync, fdatasync as fdatasyncCallback, fsyncSync, mkdirSync, openSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import { promisify } from 'node:util'
import { UsageError } from '../../lib/errors.ts'
import { shellCommand } from '../../lib/shell-command.ts'
import { formatOf, openDatabase, orClose } from '../../lib/sqlite.ts'
import { openKeyFile, type SecretBox } from './secret-box.ts'

/** The tables of documents, which are also the names of the indexes that blocking queries follow. */
export const tableNames = [
  'namespaces',
  'csi_plugins',
  'csi_volumes',
  'csi_creates',
  'csi_deletes',
  'csi_claims',
  'storage_digests',
] as const
export type TableName = (typeof tableNames)[number]

/** Each brings a database from the version of its position to the next. Never edited once released. */
export const migrations: readonly string[] = [
  `CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
   CREATE TABLE indexes (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
   CREATE TABLE namespaces (key TEXT PRIMARY KEY, document TEXT NOT NULL, secrets TEXT) STRICT;
   CREATE TABLE csi_plugins (key TEXT PRIMARY KEY, document TEXT NOT NULL, secrets TEXT) STRICT;
   CREATE TABLE csi_volumes (key TEXT PRIMARY KEY, document TEXT NOT NULL, secrets TEXT) STRICT;
   CREATE TABLE csi_creates (key TEXT PRIMARY KEY, document TEXT NOT NULL, secrets TEXT) STRICT;
   CREATE TABLE csi_claims (key TEXT PRIMARY KEY, document TEXT NOT NULL, secrets TEXT) STRICT;`,
  `CREATE TABLE csi_deletes (key TEXT PRIMARY KEY, document TEXT NOT NULL, secrets TEXT) STRICT;
   CREATE TABLE storage_digests (key TEXT PRIMARY KEY, document TEXT NOT NULL, secrets TEXT) STRICT;`,
  // Secrets and mount flags, which stood in the clear, are encrypted; `prepare` defines the functions.
  `INSERT INTO meta (key, value) VALUES ('secrets_key_id', secrets_key_id());
   UPDATE csi_volumes SET
     secrets = seal('csi_volumes/' || key, json_object('secrets', json(unsealed('csi_volumes/' || key, coalesce(secrets, '{}'))),
       'mountFlags', json_extract(document, '$.mountOptions.mountFlags'))),
     document = json_remove(document, '$.mountOptions.mountFlags');
   UPDATE csi_creates SET
     secrets = seal('csi_creates/' || key, json_object('secrets', json(unsealed('csi_creates/' || key, coalesce(secrets, '{}'))),
       'mountFlags', json_extract(document, '$.definition.mountOptions.mountFlags'))),
     document = json_remove(document, '$.definition.mountOptions.mountFlags');
   UPDATE csi_deletes SET
     secrets = seal('csi_deletes/' || key, json_object('secrets', json(unsealed('csi_deletes/' || key, coalesce(secrets, '{}')))));`,
]

const fdatasync = promisify(fdatasyncCallback)

export const databaseFile = 'server.db'
const keyFile = 'server.key'

export interface StateDatabase {
  /** Where it is, for messages. */
  readonly directory: string
  readonly sql: DatabaseSync
  readonly box: SecretBox
  readonly keyPath: string
  /** Brings every commit before it to the disk, away from the event loop. */
  sync(): Promise<void>
  close(): void
}

/**
 * Opens the server's database in `directory` (made if absent, for this user alone), for this process alone, and
 * the key that its secrets are encrypted with (default: `server.key` beside it; made with a new state).
 * @throws UsageError where another process holds it, a newer mooring wrote it, or it is damaged; and as openKeyFile
 */
export function openStateDatabase(directory: string, keyPath = join(directory, keyFile)): StateDatabase {
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  const path = join(directory, databaseFile)
  // SQLite would create the file readable for all.
  closeSync(openSync(path, 'a', 0o600))
  let box: SecretBox | undefined
  const sql = openDatabase({
    path,
    what: "the server's state",
    migrations,
    prepare(database) {
      requireSound(database, path)
      // What is deleted or written over is zeros on the disk.
      database.exec('PRAGMA secure_delete = ON')
      box = openKeyFile(keyPath, keyIDOf(database))
      defineSealing(database, box)
    },
    remedies: remedies(directory),
  })
  if (box === undefined) throw new Error('the database was opened without its key')
  const log = orClose(sql, () => {
    scrub(sql)
    return openLog(sql, `${path}-wal`)
  })
  return {
    directory,
    sql,
    box,
    keyPath,
    sync: () => fdatasync(log),
    close() {
      // SQLite brings what its log holds into the database, and to the disk.
      sql.close()
      closeSync(log)
    },
  }
}

/** What migrations encrypt with. */
export function defineSealing(database: DatabaseSync, box: SecretBox): void {
  database.function('secrets_key_id', () => box.keyID)
  database.function('seal', (place, text) => box.seal(String(place), String(text)))
  // Builds before this format sealed secrets alone, and before that nothing; JSON begins with a brace.
  database.function('unsealed', (place, text) =>
    String(text).startsWith('{') ? text : box.open(String(place), String(text)),
  )
}

/**
 * From now on a commit only writes to SQLite's log, which stays whole whatever happens (synchronous = NORMAL); that it
 * is on the disk, `sync` of this log tells.
 */
function openLog(sql: DatabaseSync, path: string): number {
  sql.exec('PRAGMA synchronous = NORMAL')
  const log = openSync(path, 'a', 0o600)
  // That the file is there is to be on the disk, too.
  const directory = openSync(dirname(path), 'r')
  fsyncSync(directory)
  closeSync(directory)
  return log
}

/** What a person can do about a state that cannot be opened. */
export const remedies = (directory: string) => ({
  busy: 'end that one, or give another --data-dir',
  damaged: `restore a backup: ${restoreCommand(directory)}`,
})

/** The key that a state is encrypted with; undefined: it is new, or of before there was one. */
function keyIDOf(database: DatabaseSync): string | undefined {
  if (formatOf(database) < 3) return undefined
  return String(database.prepare("SELECT value FROM meta WHERE key = 'secrets_key_id'").get()?.value)
}

/** @throws UsageError where pages of the database are damaged */
function requireSound(database: DatabaseSync, path: string): void {
  const found = String(database.prepare('PRAGMA quick_check(1)').get()?.quick_check)
  if (found === 'ok') return
  throw new UsageError(
    `the server's state at ${path} is damaged (${found.replaceAll(/\s+/g, ' ')}); restore a backup: ${restoreCommand(dirname(path))}`,
  )
}

/** Once: what earlier releases left of secrets in pages that nothing uses, and in the log, goes. */
function scrub(sql: DatabaseSync): void {
  if (sql.prepare("SELECT value FROM meta WHERE key = 'scrubbed'").get() !== undefined) return
  sql.exec('VACUUM; PRAGMA wal_checkpoint(TRUNCATE)')
  sql.exec("INSERT INTO meta (key, value) VALUES ('scrubbed', 'yes')")
}

function restoreCommand(directory: string): string {
  return shellCommand('mooring', 'server', 'restore', 'FILE', '--data-dir', directory)
}
