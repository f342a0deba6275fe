/**
 * The log sync's one promise: what SQLite committed before `sync` was called is on disk when its promise resolves,
 * and the event loop goes on meanwhile.
 *
 * Under `synchronous = NORMAL` a commit is appended to the write-ahead log, and survives the end of the process;
 * SQLite itself syncs the log before it moves anything from it to the database. What is missing for a power cut is
 * what `synchronous = FULL` adds to each commit: to sync the log. That is done here, by a thread of the pool. The log
 * is read up to the first frame that is not whole, so that whatever is on disk, all before it is too.
 */
import { close, closeSync, fdatasync, fsyncSync, openSync } from 'node:fs'
import { dirname } from 'node:path'
import { promisify } from 'node:util'

export interface LogSync {
  /** Callers share a sync that begins after their calls. */
  sync(): Promise<void>
  /** Once the database is closed, which leaves nothing in the log. */
  close(): void
}

/** @param logPath of the database's write-ahead log, which is there from its first commit until it is closed */
export function createLogSync(logPath: string): LogSync {
  let file: number | undefined
  let running: Promise<void> | undefined
  let following: Promise<void> | undefined
  let isClosed = false

  function open(): number {
    const opened = openSync(logPath, 'r+')
    // SQLite made it, and would sync its name with its first sync.
    const directory = openSync(dirname(logPath), 'r')
    fsyncSync(directory)
    closeSync(directory)
    return opened
  }

  async function begin(): Promise<void> {
    file ??= open()
    await promisify(fdatasync)(file)
  }

  async function sync(): Promise<void> {
    if (isClosed) return
    if (running === undefined) {
      running = begin().finally(() => {
        running = undefined
      })
      return running
    }
    // The one under way may have begun too early. One more follows it, for all who ask by then.
    following ??= running
      .catch(() => undefined) // told to those who asked for it
      .then(() => {
        following = undefined
        return sync()
      })
    return following
  }

  return {
    sync,
    close() {
      isClosed = true
      const opened = file
      if (opened === undefined) return
      file = undefined
      const end = () => close(opened)
      if (running === undefined) end()
      else running.then(end, end)
    },
  }
}
