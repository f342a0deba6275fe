import type { Clock } from '../lib/clock.ts'
import { errorCode, errorMessage } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import type { BackgroundTasks } from './background-tasks.ts'
import type { FileOperations } from './file-operations.ts'
import { removeTree } from './remove-tree.ts'

/** Frees what is out of sight, behind the answers. */
export interface Trash {
  /** Removes a path of the staging directory in the background. It is tried again until it is gone. */
  add(path: string): void
  /** The same, and resolves after the first try. It never rejects. */
  free(path: string): Promise<void>
}

const firstRetryMs = 100
const longestRetryMs = 60_000
/** So many trees are removed at once. */
const workers = 2

/** What cannot be removed is told in the log, and stays for the next try, or the next start. */
export function createTrash({
  files,
  tasks,
  clock,
  log,
}: {
  readonly files: FileOperations
  readonly tasks: BackgroundTasks
  readonly clock: Clock
  readonly log: Log
}): Trash {
  const waiting: { path: string; retryMs: number; done: () => void }[] = []
  let running = 0

  async function removeOne(path: string, retryMs: number): Promise<void> {
    try {
      await removeTree(files, path, tasks.signal)
    } catch (error) {
      if (tasks.signal.aborted || errorCode(error) === 'ENOENT') return
      log.warn({ path, error: errorMessage(error) }, 'what is left of a deleted volume or copy stays for now')
      const cancel = clock.after(retryMs, () => push(path, Math.min(retryMs * 2, longestRetryMs)))
      tasks.signal.addEventListener('abort', cancel, { once: true })
    }
  }
  async function work(): Promise<void> {
    running++
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      await removeOne(next.path, next.retryMs)
      next.done()
    }
    running--
  }
  function push(path: string, retryMs: number, done: () => void = () => {}): void {
    if (tasks.signal.aborted) {
      done()
      return
    }
    waiting.push({ path, retryMs, done })
    if (running < workers) tasks.track('free deleted data', work())
  }
  return {
    add: (path) => push(path, firstRetryMs),
    free: (path) => new Promise((resolve) => push(path, firstRetryMs, resolve)),
  }
}
