import { closeSync, fdatasync as fdatasyncCallback, fsyncSync, openSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import { promisify } from 'node:util'
import { UsageError } from '../../lib/errors.ts'
import type { Log } from '../../lib/log.ts'
import { makeFolder } from '../../lib/make-folder.ts'
import { shellCommand } from '../../lib/shell-command.ts'
import { type DatabaseOptions, formatOf, lockFile, openDatabase, orClose } from '../../lib/sqlite.ts'
import { createLogUpkeep, type LogUpkeep } from './log-upkeep.ts'
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
  'host_volumes',
  'host_creates',
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
  // Encrypts secrets and mount flags. `prepare` defines the functions.
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
  `CREATE TABLE host_volumes (key TEXT PRIMARY KEY, document TEXT NOT NULL, secrets TEXT) STRICT;
   CREATE TABLE host_creates (key TEXT PRIMARY KEY, document TEXT NOT NULL, secrets TEXT) STRICT;`,
]

const fdatasync = promisify(fdatasyncCallback)

export const databaseFile = 'server.db'
const keyFile = 'server.key'
const lockedFile = 'server.lock'

export interface StateDatabase {
  /** For messages. */
  readonly directory: string
  readonly sql: DatabaseSync
  readonly box: SecretBox
  readonly keyPath: string
  /** Syncs every earlier commit to the disk, without holding up the event loop. */
  sync(): Promise<void>
  /** Not given: SQLite works on its log within the writes, and there are no backups. */
  readonly upkeep?: LogUpkeep
  close(): void
}

/**
 * Opens the server's database in `directory` for this process alone, and the key that its secrets are encrypted with. A
 * directory that is not there is made, for this user alone.
 * @param keyPath default: `server.key` in the directory. A new state makes a new key there
 * @throws UsageError where another process holds it, a newer mooring wrote it, or it is damaged; and as openKeyFile
 */
export function openStateDatabase(
  directory: string,
  log: Log,
  keyPath = join(directory, keyFile),
): StateDatabase {
  makeFolder(directory, 0o700)
  const path = join(directory, databaseFile)
  const lockPath = join(directory, lockedFile)
  // SQLite would create the files readable for all.
  for (const file of [path, lockPath]) closeSync(openSync(file, 'a', 0o600))
  const described = { path, what: "the server's state", remedies: remedies(directory) }
  const lock = lockFile(lockPath, described)
  return orClose(lock, () => {
    const { sql, box } = openLocked(described, keyPath)
    const writeAheadLog = orClose(sql, () => {
      scrub(sql)
      return openLog(sql, `${path}-wal`)
    })
    const upkeep = createLogUpkeep(path, (reason) =>
      log.error({ reason }, "SQLite's log is not brought into the database"),
    )
    return {
      directory,
      sql,
      box,
      keyPath,
      sync: () => fdatasync(writeAheadLog),
      upkeep,
      close() {
        upkeep.close()
        // SQLite writes the rest of its log into the database, and syncs it.
        sql.close()
        closeSync(writeAheadLog)
        lock.close()
      },
    }
  })
}

function openLocked(
  described: Pick<DatabaseOptions, 'path' | 'what' | 'remedies'>,
  keyPath: string,
): { readonly sql: DatabaseSync; readonly box: SecretBox } {
  let box: SecretBox | undefined
  const sql = openDatabase({
    ...described,
    migrations,
    isForThreads: true,
    prepare(database) {
      requireSound(database, described.path)
      // SQLite overwrites with zeros what is deleted or replaced.
      database.exec('PRAGMA secure_delete = ON')
      box = openKeyFile(keyPath, keyIDOf(database))
      defineSealing(database, box)
    },
  })
  if (box === undefined) throw new Error('the database was opened without its key')
  return { sql, box }
}

/** The functions that migrations encrypt with. */
export function defineSealing(database: DatabaseSync, box: SecretBox): void {
  database.function('secrets_key_id', () => box.keyID)
  database.function('seal', (place, text) => box.seal(String(place), String(text)))
  // Builds before this format encrypted only secrets, and older ones nothing. JSON begins with a brace.
  database.function('unsealed', (place, text) =>
    String(text).startsWith('{') ? text : box.open(String(place), String(text)),
  )
}

/**
 * From now on a commit only writes to SQLite's log, which a power cut cannot break (synchronous = NORMAL). A sync of
 * this log brings the commit to the disk. A thread brings the log into the database (log-upkeep.ts).
 */
function openLog(sql: DatabaseSync, path: string): number {
  sql.exec('PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 0')
  const log = openSync(path, 'a', 0o600)
  // A new file outlasts a power cut only when its directory is synced.
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

/** The ID of the key that a state is encrypted with. undefined: the state is new, or older than encryption. */
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

/** Once, removes the secrets that earlier releases left in unused pages and in the log. */
function scrub(sql: DatabaseSync): void {
  if (sql.prepare("SELECT value FROM meta WHERE key = 'scrubbed'").get() !== undefined) return
  sql.exec('VACUUM; PRAGMA wal_checkpoint(TRUNCATE)')
  sql.exec("INSERT INTO meta (key, value) VALUES ('scrubbed', 'yes')")
}

function restoreCommand(directory: string): string {
  return shellCommand('mooring', 'server', 'restore', 'FILE', '--data-dir', directory)
}
