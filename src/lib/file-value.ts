/** Values that stand in files, such as certificates and tokens, which are renewed while a process runs. */
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Clock } from './clock.ts'
import { errorCode } from './errors.ts'

export interface FileValueOptions<Value> {
  /** Files, and folders with everything beneath them. */
  readonly paths: readonly string[]
  /** @throws Error where the files hold no value, as in the middle of a renewal of two of them */
  readonly read: () => Value
  /** Called once for each change that cannot be read. */
  readonly onError: (error: unknown) => void
}

/**
 * Reads a value from files. Each call of the result looks whether a file has changed, and if so reads the value
 * again. Where that fails, the value from before stays.
 * @throws what `read` throws, where there is no value to begin with
 */
export function createFileValue<Value>({ paths, read, onError }: FileValueOptions<Value>): () => Value {
  // Before the reading: a file that changes in between is then read once more.
  let stamp = stampOf(paths)
  let value = read()
  return () => {
    const now = stampOf(paths)
    if (now === stamp) return value
    stamp = now
    try {
      value = read()
    } catch (error) {
      onError(error)
    }
    return value
  }
}

const lookMs = 1000

/**
 * Calls `onChange` within a second after a file has changed, come or gone. No change after this call is missed, so
 * watch first and read then. Returns the function that ends it.
 */
export function watchFiles(paths: readonly string[], clock: Clock, onChange: () => void): () => void {
  let stamp = stampOf(paths)
  let cancel = () => {}
  const look = () => {
    cancel = clock.after(lookMs, look)
    const now = stampOf(paths)
    if (now === stamp) return
    stamp = now
    onChange()
  }
  cancel = clock.after(lookMs, look)
  return () => cancel()
}

/**
 * Another text whenever a file is another, or what is in a folder. Renewals replace files, write into them, or turn
 * a link, on file systems of any kind: a look at each file finds all of that, and events of the kernel do not.
 */
function stampOf(paths: readonly string[]): string {
  return paths.map(stampOfPath).join('\n')
}

function stampOfPath(path: string): string {
  try {
    const stats = statSync(path, { bigint: true })
    if (stats.isDirectory()) return stampOf(filesBeneath(path))
    return [path, stats.dev, stats.ino, stats.size, stats.mtimeNs, stats.ctimeNs].join(' ')
  } catch (error) {
    // Whoever reads the file meets the same error and tells of it.
    return `${path} ${errorCode(error)}`
  }
}

/** Sorted by name. */
export function filesBeneath(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true })
    .sort((one, other) => (one.name < other.name ? -1 : 1))
    .flatMap((entry) => {
      const path = join(folder, entry.name)
      return entry.isDirectory() ? filesBeneath(path) : [path]
    })
}
