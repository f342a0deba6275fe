import { statSync } from 'node:fs'
import type { Clock } from '../lib/clock.ts'

const intervalMs = 1_000

/**
 * Calls `changed` after any of the files changed, came or went. By looking every second, not by events:
 * certificates and configuration come by links that are switched, on file systems of any kind. A change that comes
 * after this call is never missed, so watch first and read then. The returned function ends it.
 */
export function watchFiles(paths: readonly string[], clock: Clock, changed: () => void): () => void {
  let seen = signature(paths)
  let cancel = () => {}
  const look = () => {
    const now = signature(paths)
    if (now !== seen) {
      seen = now
      changed()
    }
    cancel = clock.after(intervalMs, look)
  }
  cancel = clock.after(intervalMs, look)
  return () => cancel()
}

const signature = (paths: readonly string[]) =>
  paths
    .map((path) => {
      const stat = statSync(path, { bigint: true, throwIfNoEntry: false })
      return stat === undefined ? 'gone' : `${stat.ino} ${stat.size} ${stat.mtimeNs} ${stat.ctimeNs}`
    })
    .join('\n')
