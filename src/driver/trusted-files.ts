import { lstatSync, type Stats, statSync } from 'node:fs'
import { UsageError } from '../lib/errors.ts'

const writableByOthers = 0o022
const sticky = 0o1000

/**
 * Why a file or directory that only this driver may change could be changed by somebody else, as the end of a
 * sentence. undefined: it could not. Root could in any case.
 */
export function distrustReason({ uid, mode }: Pick<Stats, 'uid' | 'mode'>): string | undefined {
  const own = process.getuid?.() ?? uid
  if (uid !== own && uid !== 0) return `belongs to the user ${uid}, and not to the driver’s user ${own}`
  if ((mode & writableByOthers) !== 0) return 'may be written by others than its owner'
  return undefined
}

/**
 * Checks the directory of a socket: whoever may change its entries could put a socket of its own there. In a
 * sticky directory, such as /tmp, only the owner of an entry may.
 * @throws UsageError
 */
export function requireTrustedParent(directory: string): void {
  const stats = statSync(directory)
  if ((stats.mode & sticky) === 0) requireTrusted([directory])
}

/** @throws UsageError where somebody else may change one of the paths. What is not there is left out. */
export function requireTrusted(paths: readonly string[]): void {
  for (const path of paths) {
    const stats = lstatSync(path, { throwIfNoEntry: false })
    if (stats === undefined) continue
    const reason = distrustReason(stats)
    if (reason !== undefined) {
      throw new UsageError(
        `${path} ${reason}: whoever may write there could take volumes over. Use chown and chmod go-w on it, or another path`,
      )
    }
  }
}
