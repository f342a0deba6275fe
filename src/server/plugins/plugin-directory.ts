import { type FSWatcher, mkdirSync, readdirSync, statSync, watch } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Clock } from '../../lib/clock.ts'
import { errorCode, errorMessage } from '../../lib/errors.ts'
import type { Log } from '../../lib/log.ts'
import type { PluginConfig } from './registry.ts'

/** A watch can lose an event; the folder is read again this often in any case. */
const rescanMs = 5_000

/**
 * Follows a folder of sockets: each `ID.sock` is a plugin. Calls `found` with all of them, at once and after each
 * change. The folder is made if it is not there now. Where it is removed later, its plugins are gone; where it cannot
 * be read, they stay as they were. A folder that comes back is followed again.
 * @returns ends it
 */
export function followPluginDirectory(
  folder: string,
  clock: Clock,
  log: Log,
  found: (plugins: readonly PluginConfig[]) => void,
): () => void {
  mkdirSync(folder, { recursive: true })
  let watcher: FSWatcher | undefined
  let watched: bigint | undefined
  let lastFault = ''
  const tell = (fault: string) => {
    if (fault !== '' && fault !== lastFault)
      log.error({ folder, reason: fault }, 'plugin directory is not read')
    lastFault = fault
  }
  const unwatch = () => {
    watcher?.close()
    watcher = undefined
    watched = undefined
  }
  /** Another folder of the same name needs a watch of its own. */
  const rewatch = () => {
    const inode = statSync(folder, { bigint: true, throwIfNoEntry: false })?.ino
    if (inode === watched) return
    unwatch()
    if (inode === undefined) return
    watcher = watch(folder, scan)
    watched = inode
    // Without the watch the rescans go on alone.
    watcher.on('error', unwatch)
  }
  /** Never throws: a watch and a timer call it, and an error of theirs would end the process. */
  const scan = () => {
    try {
      found(readPluginDirectory(folder))
      rewatch()
      tell('')
    } catch (error) {
      tell(errorMessage(error))
    }
  }
  let cancel = () => {}
  const rescan = () => {
    cancel = clock.after(rescanMs, rescan)
    scan()
  }
  rescan()
  return () => {
    cancel()
    unwatch()
  }
}

function readPluginDirectory(folder: string): PluginConfig[] {
  try {
    return readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isSocket() && /.\.sock$/.test(entry.name))
      .map(({ name }) => ({
        id: name.slice(0, -'.sock'.length),
        endpoint: `unix://${join(resolve(folder), name)}`,
      }))
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return []
    throw error
  }
}
