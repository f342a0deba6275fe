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
import { open } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { errorMessage, UsageError } from '../../lib/errors.ts'
import { explainDatabaseError, formatOf } from '../../lib/sqlite.ts'
import { databaseFile, migrations, remedies } from './database.ts'

/**
 * Makes a backup file, which only this user may read, and syncs it to the disk.
 * @param write copies the state to a path, as it is at one moment
 */
export async function backUpTo(path: string, write: (path: string) => Promise<void>): Promise<void> {
  const file = await open(path, 'wx', 0o600)
  try {
    await write(path)
    await file.sync()
  } finally {
    await file.close()
  }
}

/** As backUpTo, of a state that no server has open. The state is not migrated. @throws UsageError */
export async function backupClosedState(directory: string, path: string): Promise<void> {
  const source = join(directory, databaseFile)
  if (!existsSync(source))
    throw new UsageError(`there is no state of mooring server in ${directory} (--data-dir)`)
  const sql = lockDatabase(source, directory)
  try {
    await backUpTo(path, async () => void sql.prepare('VACUUM INTO ?').run(path))
  } finally {
    sql.close()
  }
}

/**
 * Replaces the state by a backup, which is checked first. The former state stays beside it.
 * @param label tells former states apart
 * @returns the path of the former state. undefined: there was none
 * @throws UsageError if a server has the state open, or if the file is damaged, no backup, or of a later release
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

/** Holds the lock of the former state, so that no server has it open, or opens it in the middle of the exchange. */
function exchange(path: string, fresh: string, aside: string): void {
  const sql = lockForExchange(path)
  // The former log goes into the former state. Otherwise closing that would take the new state's log for its own.
  sql?.exec('PRAGMA journal_mode = DELETE')
  renameSync(path, aside)
  // The log of a damaged state is set aside with it.
  if (existsSync(`${path}-wal`)) renameSync(`${path}-wal`, `${aside}-wal`)
  renameSync(fresh, path)
  sql?.close()
}

/** undefined: the state is damaged, so nobody has it open. A restore is the remedy. */
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
    // Without a log, this one file is the whole state.
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
