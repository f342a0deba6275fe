import { closeSync, mkdirSync, openSync } from 'node:fs'
import { join } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import { openDatabase } from '../../lib/sqlite.ts'

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
const migrations: readonly string[] = [
  `CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
   CREATE TABLE indexes (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
   CREATE TABLE namespaces (key TEXT PRIMARY KEY, document TEXT NOT NULL, secrets TEXT) STRICT;
   CREATE TABLE csi_plugins (key TEXT PRIMARY KEY, document TEXT NOT NULL, secrets TEXT) STRICT;
   CREATE TABLE csi_volumes (key TEXT PRIMARY KEY, document TEXT NOT NULL, secrets TEXT) STRICT;
   CREATE TABLE csi_creates (key TEXT PRIMARY KEY, document TEXT NOT NULL, secrets TEXT) STRICT;
   CREATE TABLE csi_claims (key TEXT PRIMARY KEY, document TEXT NOT NULL, secrets TEXT) STRICT;`,
  `CREATE TABLE csi_deletes (key TEXT PRIMARY KEY, document TEXT NOT NULL, secrets TEXT) STRICT;
   CREATE TABLE storage_digests (key TEXT PRIMARY KEY, document TEXT NOT NULL, secrets TEXT) STRICT;`,
]

/**
 * Opens the server's database in `directory` (made if absent, for this user alone), for this process alone.
 * @throws UsageError where another process holds it, a newer mooring wrote it, or it is damaged
 */
export function openStateDatabase(directory: string): DatabaseSync {
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  const path = join(directory, 'server.db')
  // SQLite would create the file readable for all; it holds secrets.
  closeSync(openSync(path, 'a', 0o600))
  return openDatabase({ path, what: "the server's state", migrations })
}
