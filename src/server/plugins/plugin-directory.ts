import { mkdirSync, readdirSync, watch } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Clock } from '../../lib/clock.ts'
import type { PluginConfig } from './registry.ts'

/** A watch can lose an event; the folder is read again this often in any case. */
const rescanMs = 5_000

/**
 * Follows a folder of sockets: each `ID.sock` is a plugin. Calls `found` with all of them, at once and after
 * each change. The folder is made if it is not there.
 * @returns ends it
 */
export function followPluginDirectory(
  folder: string,
  clock: Clock,
  found: (plugins: readonly PluginConfig[]) => void,
): () => void {
  mkdirSync(folder, { recursive: true })
  const scan = () => found(readPluginDirectory(folder))
  const watcher = watch(folder, scan)
  // Without the watch the rescans go on alone.
  watcher.on('error', () => watcher.close())
  let cancel = () => {}
  const rescan = () => {
    scan()
    cancel = clock.after(rescanMs, rescan)
  }
  rescan()
  return () => {
    cancel()
    watcher.close()
  }
}

function readPluginDirectory(folder: string): PluginConfig[] {
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isSocket() && /.\.sock$/.test(entry.name))
    .map(({ name }) => ({
      id: name.slice(0, -'.sock'.length),
      endpoint: `unix://${join(resolve(folder), name)}`,
    }))
}
