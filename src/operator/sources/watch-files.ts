import { basename, relative } from 'node:path'
import { watch } from 'chokidar'
import type { Clock } from '../../lib/clock.ts'
import { errorCode, errorMessage } from '../../lib/errors.ts'
import type { Log } from '../../lib/log.ts'
import { isDeclarationFile, isHidden } from './scan-files.ts'

export interface WatchFilesOptions {
  /** A folder or a file. It may come later, disappear and come back. */
  readonly path: string
  readonly clock: Clock
  readonly log: Log
  /** Called at most once in `collectMs`, and once when the watch starts to work. */
  readonly onChange: () => void
}

/** Many small changes of an editor or of Git become one within this time. Nobody notices the delay. */
const collectMs = 200

/** Reports when files beneath a path may have changed. Errors are logged, and the watch goes on. */
export function watchFiles({ path, clock, log, onChange }: WatchFilesOptions): { close(): Promise<void> } {
  let cancel: (() => void) | undefined
  // The first change sets the time, and later ones do not extend it: endless changes are reported, too.
  const changed = () => {
    cancel ??= clock.after(collectMs, () => {
      cancel = undefined
      onChange()
    })
  }

  const reported = new Set<string>()
  const warn = (error: unknown) => {
    const reason = errorCode(error) ?? errorMessage(error)
    if (reported.has(reason)) return
    reported.add(reason)
    log.warn(
      { path, error: errorMessage(error) },
      'some files cannot be watched: their changes are seen at the next periodic reading',
    )
  }

  const watchBeneath = () =>
    watch(path, {
      ignoreInitial: true,
      ignored: (changedPath, stats) => {
        const name = basename(changedPath)
        if (isRoot(changedPath)) return false
        // A mounted ConfigMap changes by a new `..data`, so these hidden names are watched.
        if (isHidden(name) && !name.startsWith('..')) return true
        return stats?.isFile() === true && !isDeclarationFile(name)
      },
    })
      .on('all', changed)
      // A change between the caller's reading and now was missed.
      .on('ready', changed)
      .on('error', warn)
  const isRoot = (changedPath: string) => relative(path, changedPath) === ''

  // If the path is a link that is changed to another folder (git-sync), the watch beneath it stays with the old folder. So
  // the path itself is watched, too, and each change of it starts a new watch.
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
      // With this in place of a timer, a late change sets none.
      cancel = () => {}
      await itself.close()
      await Promise.all([closing, beneath.close()])
    },
  }
}
