import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { errorMessage, UsageError } from './errors.ts'
import { makeFolder } from './make-folder.ts'

/** SQL, or where that is not enough a function that has the lock and the transaction already. */
export type Migration = string | ((database: DatabaseSync) => void)

export interface DatabaseOptions {
  readonly path: string
  /** What the file is, for messages: `the operator's inventory`. */
  readonly what: string
  /** What brings version n to n + 1, from an empty file on. Only ever appended to. */
  readonly migrations: readonly Migration[]
  /** Called before the migrations, with the lock held. A UsageError that it throws is thrown as it is. */
  readonly prepare?: (database: DatabaseSync) => void
  /** What a person can do, where it is something else than for a data directory. */
  readonly remedies?: Remedies
  /** Other threads of this process open it too. The caller holds another lock against other processes. */
  readonly isForThreads?: boolean
}

interface Remedies {
  readonly busy: string
  readonly damaged: string
}

const dataDirectoryRemedies = {
  busy: 'end that one, or give another --data-dir',
  damaged: 'put a backup in its place',
}

/**
 * Opens a SQLite database for this process alone: the lock is the kernel's, so that it ends with the
 * process however that ends. A commit is on disk when it returns.
 * @throws UsageError if another process holds it, if it is of a later release, or damaged
 */
export function openDatabase(options: DatabaseOptions): DatabaseSync {
  const { path, what, migrations, prepare, remedies, isForThreads = false } = options
  makeFolder(dirname(path), 0o700)
  const database = new DatabaseSync(path)
  try {
    // Exclusive before WAL, so that no shared memory file is needed. A thread may need the database for a moment.
    database.exec(isForThreads ? 'PRAGMA busy_timeout = 5000' : 'PRAGMA locking_mode = EXCLUSIVE')
    database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL')
    database.exec('BEGIN EXCLUSIVE')
    requireKnownFormat(database, migrations)
    prepare?.(database)
    migrate(database, migrations)
    database.exec('COMMIT')
    return database
  } catch (error) {
    database.close()
    if (error instanceof UsageError) throw error
    throw new UsageError(explainDatabaseError(error, path, what, remedies), { cause: error })
  }
}

/**
 * Holds a file for this process until the result is closed, by the kernel's lock.
 * @param guarded the database that the lock stands for, as the message names it
 * @throws UsageError if another process holds it
 */
export function lockFile(
  path: string,
  { path: guardedPath, what, remedies }: Pick<DatabaseOptions, 'path' | 'what' | 'remedies'>,
): DatabaseSync {
  const lock = new DatabaseSync(path)
  try {
    // Nothing is ever written to it.
    lock.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE')
    return lock
  } catch (error) {
    lock.close()
    throw new UsageError(explainDatabaseError(error, guardedPath, what, remedies), { cause: error })
  }
}

/** Reads what an opened database is opened for. If that fails, the database is closed, and its lock with it. */
export function orClose<T>(database: DatabaseSync, read: () => T): T {
  try {
    return read()
  } catch (error) {
    database.close()
    throw error
  }
}

/** The format that a database is in; 0: it is empty. */
export function formatOf(database: DatabaseSync): number {
  return Number(database.prepare('PRAGMA user_version').get()?.user_version)
}

function requireKnownFormat(database: DatabaseSync, migrations: readonly Migration[]): void {
  const version = formatOf(database)
  if (version <= migrations.length) return
  throw new Error(
    `it has format ${version}, and this release knows formats up to ${migrations.length}; run the release that wrote it, or put a backup of this one in its place`,
  )
}

function migrate(database: DatabaseSync, migrations: readonly Migration[]): void {
  const version = formatOf(database)
  if (version === migrations.length) return
  for (const migration of migrations.slice(version)) {
    if (typeof migration === 'string') database.exec(migration)
    else migration(database)
  }
  database.exec(`PRAGMA user_version = ${migrations.length}`)
}

/** Why a database could not be opened or locked, and what a person can do. */
export function explainDatabaseError(
  error: unknown,
  path: string,
  what: string,
  remedies = dataDirectoryRemedies,
): string {
  const code = error instanceof Error && 'errcode' in error ? Number(error.errcode) & 0xff : undefined
  const busy = 5
  const corrupt = 11
  const notADatabase = 26
  if (code === busy) {
    return `${what} at ${path} is in use by another mooring process; ${remedies.busy}`
  }
  if (code === corrupt || code === notADatabase) {
    return `${what} at ${path} is damaged (${errorMessage(error)}); ${remedies.damaged}`
  }
  return `${what} at ${path} cannot be opened: ${errorMessage(error)}`
}

/** Whether SQLite found no room for what it had to write (SQLITE_FULL). */
export const isDiskFull = (error: unknown): boolean =>
  error instanceof Error && 'errcode' in error && (Number(error.errcode) & 0xff) === 13

/** Runs `work` in one transaction. If it throws, nothing of it stays, and the caller gets what it threw. */
export function transaction<T>(database: DatabaseSync, work: () => T): T {
  database.exec('BEGIN IMMEDIATE')
  try {
    const result = work()
    database.exec('COMMIT')
    return result
  } catch (error) {
    // On a full disk and after an I/O error SQLite has rolled back itself, and a second ROLLBACK fails.
    if (database.isTransaction) database.exec('ROLLBACK')
    throw error
  }
}
