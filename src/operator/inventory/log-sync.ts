/**
 * Promise: everything that SQLite committed before `sync` was called is on disk when its promise resolves. The event
 * loop is not blocked.
 *
 * With `synchronous = NORMAL` a commit survives a crash of the process, but not a power cut: SQLite does not sync the
 * write-ahead log after each commit, as it does with `FULL`. This file syncs the log, on a thread of the pool. SQLite
 * reads the log up to the first incomplete frame, so a commit on disk implies all earlier ones.
 */
import { close, closeSync, fdatasync, fsyncSync, openSync } from 'node:fs'
import { dirname } from 'node:path'
import { promisify } from 'node:util'

export interface LogSync {
  /** Concurrent callers share one sync. It starts after their calls. */
  sync(): Promise<void>
  /** Call it after the database is closed. */
  close(): void
}

/** @param logPath path of the write-ahead log; it exists from the first commit until the database is closed */
export function createLogSync(logPath: string): LogSync {
  let file: number | undefined
  let running: Promise<void> | undefined
  let following: Promise<void> | undefined
  let isClosed = false

  function open(): number {
    const opened = openSync(logPath, 'r+')
    // SQLite created the file and has not synced its name.
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
    // The running sync may have started before this commit. One more follows, shared by all callers until then.
    following ??= running
      .catch(() => undefined) // its own callers get the error
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
