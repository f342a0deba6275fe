import { Worker } from 'node:worker_threads'
import { isExecutable, readPackagedFile } from '../../lib/packaged-files.ts'
import type { LogTask, LogTaskFailure } from './log-thread.ts'

/** SQLite's own measure for a checkpoint: 1000 pages of 4 KiB. */
const checkpointBytes = 4 << 20

/**
 * Works on the database in a thread of its own, because its syncs and copies would hold up the event loop. The thread
 * starts with its first task.
 */
export interface LogUpkeep {
  /** About so many bytes came into SQLite's log. From time to time the log is brought into the database. */
  noteWritten(bytes: number): void
  /** Writes the state as it is at one moment to a file. @throws Error */
  backup(path: string): Promise<void>
  /** The caller's own connection has to be closed after it. */
  close(): void
}

/** @param onFailure told why a checkpoint failed; the next one tries again */
export function createLogUpkeep(path: string, onFailure: (reason: string) => void): LogUpkeep {
  let written = 0
  let thread: Worker | undefined
  const waiting: ((failure: LogTaskFailure) => void)[] = []

  function start(): Worker {
    const started = openThread(path)
    // The thread alone keeps no process running.
    started.unref()
    started.on('message', (failure: LogTaskFailure) => waiting.shift()?.(failure))
    started.on('error', ({ message }) => {
      for (const done of waiting.splice(0)) done(message)
    })
    started.once('exit', () => {
      if (thread === started) thread = undefined
      for (const done of waiting.splice(0)) done('the thread ended')
    })
    return started
  }

  const perform = (task: LogTask) =>
    new Promise<LogTaskFailure>((resolve) => {
      thread ??= start()
      waiting.push(resolve)
      thread.postMessage(task)
    })

  let isCheckpointing = false
  async function checkpoint() {
    isCheckpointing = true
    const failure = await perform({ type: 'checkpoint' })
    isCheckpointing = false
    if (failure !== undefined) onFailure(failure)
  }

  return {
    noteWritten(bytes) {
      written += bytes
      if (written < checkpointBytes || isCheckpointing) return
      written = 0
      void checkpoint()
    },
    async backup(path) {
      const failure = await perform({ type: 'backup', path })
      if (failure !== undefined) throw new Error(failure)
    },
    close() {
      void thread?.terminate()
    },
  }
}

/** An executable holds the thread's code as text. Elsewhere it is a file: what is published is JavaScript. */
function openThread(workerData: string): Worker {
  if (isExecutable) return new Worker(readPackagedFile('log-thread.cjs'), { eval: true, workerData })
  const file = import.meta.url.endsWith('.ts') ? './log-thread.ts' : './log-thread.js'
  return new Worker(new URL(file, import.meta.url), { workerData })
}
