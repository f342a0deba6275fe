import { basename, relative } from 'node:path'
import { watch } from 'chokidar'
import type { Clock } from '../lib/clock.ts'
import { errorCode, errorMessage } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import { isDeclarationFile, isHidden } from './scan-files.ts'

export interface WatchFilesOptions {
  /** A folder or a file, which need not be there yet and may go and come back. */
  readonly path: string
  readonly clock: Clock
  readonly log: Log
  /** Called at most once in `collectMs`, and once when the watch begins to see. */
  readonly onChange: () => void
}

/** Long enough to take an editor's or Git's many small changes as one, short enough not to be noticed. */
const collectMs = 200

/** Tells when files beneath a path may have changed. Errors are logged, and end nothing. */
export function watchFiles({ path, clock, log, onChange }: WatchFilesOptions): { close(): Promise<void> } {
  let cancel: (() => void) | undefined
  // The first change sets the time, and those after it do not put it off: endless changes are told too.
  const changed = () => {
    cancel ??= clock.after(collectMs, () => {
      cancel = undefined
      onChange()
    })
  }

  const told = new Set<string>()
  const watcher = watch(path, {
    ignoreInitial: true,
    ignored: (changedPath, stats) => {
      const name = basename(changedPath)
      if (relative(path, changedPath) === '') return false
      // The mount of a ConfigMap changes by a new `..data`, so these hidden names are watched.
      if (isHidden(name) && !name.startsWith('..')) return true
      return stats?.isFile() === true && !isDeclarationFile(name)
    },
  })
  watcher.on('all', changed)
  // What changed between the caller's reading and now was not seen.
  watcher.on('ready', changed)
  watcher.on('error', (error) => {
    const reason = errorCode(error) ?? errorMessage(error)
    if (told.has(reason)) return
    told.add(reason)
    log.warn(
      { path, error: errorMessage(error) },
      'watching files failed in part; changes there are seen at the next periodic reading',
    )
  })

  return {
    async close() {
      cancel?.()
      cancel = () => {}
      await watcher.close()
    },
  }
}
