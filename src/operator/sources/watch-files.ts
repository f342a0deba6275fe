import { basename, relative } from 'node:path'
import { watch } from 'chokidar'
import type { Clock } from '../../lib/clock.ts'
import { errorCode, errorMessage } from '../../lib/errors.ts'
import type { Log } from '../../lib/log.ts'
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
  const warn = (error: unknown) => {
    const reason = errorCode(error) ?? errorMessage(error)
    if (told.has(reason)) return
    told.add(reason)
    log.warn(
      { path, error: errorMessage(error) },
      'watching files failed in part; changes there are seen at the next periodic reading',
    )
  }

  const watchBeneath = () =>
    watch(path, {
      ignoreInitial: true,
      ignored: (changedPath, stats) => {
        const name = basename(changedPath)
        if (isRoot(changedPath)) return false
        // The mount of a ConfigMap changes by a new `..data`, so these hidden names are watched.
        if (isHidden(name) && !name.startsWith('..')) return true
        return stats?.isFile() === true && !isDeclarationFile(name)
      },
    })
      .on('all', changed)
      // What changed between the caller's reading and now was not seen.
      .on('ready', changed)
      .on('error', warn)
  const isRoot = (changedPath: string) => relative(path, changedPath) === ''

  // Where the path is a link that is turned to another folder (git-sync), the watch beneath it stays with
  // the old one. So the path itself is watched as well, and each turn begins a new watch.
  let beneath = watchBeneath()
  let closing: Promise<void> = Promise.resolve()
  const itself = watch(path, {
    ignoreInitial: true,
    followSymlinks: false,
    depth: 0,
    ignored: (changedPath) => !isRoot(changedPath),
  })
    .on('all', () => {
      const old = beneath
      closing = closing.then(() => old.close())
      beneath = watchBeneath()
    })
    .on('error', warn)

  return {
    async close() {
      cancel?.()
      // Stands for a timer that never fires, so that no late change sets one.
      cancel = () => {}
      await itself.close()
      await Promise.all([closing, beneath.close()])
    },
  }
}
