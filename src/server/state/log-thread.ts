import { DatabaseSync } from 'node:sqlite'
import { parentPort, workerData } from 'node:worker_threads'
import { errorMessage } from '../../lib/errors.ts'

/** One task of the thread: bring SQLite's log into the database, or write the state to a file. */
export type LogTask = { readonly type: 'checkpoint' } | { readonly type: 'backup'; readonly path: string }
/** undefined: the task is done; otherwise why not. */
export type LogTaskFailure = string | undefined

/** While writes go on, the log ends only between two of them; after so many tries it grows until the next task. */
const mostTries = 8
/** A log of so many pages, 64 MiB, makes the next write wait until the log is in the database. */
const longestLogPages = 16_384

// A connection for each task: the last one of a database, which checkpoints when it is closed, is the server's own.
parentPort?.on('message', (task: LogTask) => parentPort?.postMessage(perform(task)))

function perform(task: LogTask): LogTaskFailure {
  try {
    const sql = new DatabaseSync(String(workerData))
    try {
      if (task.type === 'checkpoint') checkpoint(sql)
      else sql.prepare('VACUUM INTO ?').run(task.path)
    } finally {
      sql.close()
    }
    return undefined
  } catch (error) {
    return errorMessage(error)
  }
}

function checkpoint(sql: DatabaseSync): void {
  for (let tries = 1; tries <= mostTries; tries++) {
    const { log, checkpointed } = sql.prepare('PRAGMA wal_checkpoint(PASSIVE)').get() ?? {}
    if (log === checkpointed) return
    if (tries === mostTries && Number(log) > longestLogPages) sql.exec('PRAGMA wal_checkpoint(RESTART)')
  }
}
