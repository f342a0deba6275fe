import {
  chmodSync,
  closeSync,
  copyFileSync,
  existsSync,
  fsyncSync,
  openSync,
  renameSync,
  rmSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { errorMessage, UsageError } from '../../lib/errors.ts'
import { explainDatabaseError, formatOf } from '../../lib/sqlite.ts'
import { databaseFile, migrations, remedies } from './database.ts'

/**
 * A backup of an open database: the state as it was at one moment, in a file of this user's alone. By
 * VACUUM INTO, one read transaction: Node's own backup() steps in a thread of its own, and fails now and
 * then where it meets a write. Nothing else is answered meanwhile, for some milliseconds a megabyte.
 */
export async function backupDatabase(sql: DatabaseSync, path: string): Promise<void> {
  const file = openSync(path, 'wx', 0o600)
  try {
    sql.prepare('VACUUM INTO ?').run(path)
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
}

/** As backupDatabase, of a state that no server has open. It is not migrated. @throws UsageError */
export async function backupClosedState(directory: string, path: string): Promise<void> {
  const source = join(directory, databaseFile)
  if (!existsSync(source))
    throw new UsageError(`there is no state of mooring server in ${directory} (--data-dir)`)
  const sql = lockDatabase(source, directory)
  try {
    await backupDatabase(sql, path)
  } finally {
    sql.close()
  }
}

/**
 * Puts a backup in the place of the state. It is checked first, and the state that was there stays beside it.
 * @param label distinguishes what is set aside
 * @returns the path of the state that was there; undefined: there was none
 * @throws UsageError where a server has the state open, or the backup is none, damaged, or of a later release
 */
export function restoreState(directory: string, file: string, label: string): string | undefined {
  const path = join(directory, databaseFile)
  const fresh = join(directory, `${databaseFile}.restoring`)
  const aside = join(directory, `${databaseFile}.before-restore-${label}`)
  try {
    copyFileSync(file, fresh)
    chmodSync(fresh, 0o600)
    requireRestorable(fresh, file)
    const copied = openSync(fresh, 'r')
    fsyncSync(copied)
    closeSync(copied)
    if (!existsSync(path)) {
      renameSync(fresh, path)
      return undefined
    }
    exchange(path, fresh, aside)
    return aside
  } catch (error) {
    if (error instanceof UsageError) throw error
    throw new UsageError(`${file} cannot be restored to ${directory}: ${errorMessage(error)}`, {
      cause: error,
    })
  } finally {
    for (const suffix of ['', '-wal', '-journal']) rmSync(fresh + suffix, { force: true })
  }
}

/** With the lock of the state that is there, so that no server has it open or opens it half exchanged. */
function exchange(path: string, fresh: string, aside: string): void {
  const sql = lockForExchange(path)
  // The log goes into the state before that is set aside; closing must find no log that is the new state's.
  sql?.exec('PRAGMA journal_mode = DELETE')
  renameSync(path, aside)
  // Of a damaged state the log belongs to what is set aside.
  if (existsSync(`${path}-wal`)) renameSync(`${path}-wal`, `${aside}-wal`)
  renameSync(fresh, path)
  sql?.close()
}

/** undefined: the state is damaged, for which a backup is there; nobody has it open. */
function lockForExchange(path: string): DatabaseSync | undefined {
  try {
    return lockDatabase(path, dirname(path))
  } catch (error) {
    if (error instanceof UsageError && error.message.includes(' is damaged ')) return undefined
    throw error
  }
}

function lockDatabase(path: string, directory: string): DatabaseSync {
  const sql = new DatabaseSync(path)
  try {
    sql.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; COMMIT')
    return sql
  } catch (error) {
    sql.close()
    throw new UsageError(explainDatabaseError(error, path, "the server's state", remedies(directory)), {
      cause: error,
    })
  }
}

function requireRestorable(copy: string, file: string): void {
  const refuse = (why: string, cause?: unknown) =>
    new UsageError(`${file} cannot be restored: ${why}; give another backup`, { cause })
  let sql: DatabaseSync | undefined
  try {
    sql = new DatabaseSync(copy)
    // Without a log beside it, so that this one file is all.
    sql.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = DELETE')
    const found = String(sql.prepare('PRAGMA integrity_check(1)').get()?.integrity_check)
    if (found !== 'ok') throw refuse(`it is damaged (${found.replaceAll(/\s+/g, ' ')})`)
    const format = formatOf(sql)
    if (format > migrations.length) {
      throw refuse(`it has format ${format}, and this release knows formats up to ${migrations.length}`)
    }
    if (sql.prepare("SELECT value FROM meta WHERE key = 'node_id'").get() === undefined) {
      throw refuse('it is no backup of mooring server')
    }
  } catch (error) {
    if (error instanceof UsageError) throw error
    throw refuse(`it is no backup of mooring server, or damaged (${errorMessage(error)})`, error)
  } finally {
    sql?.close()
  }
}
