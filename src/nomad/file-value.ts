/**
 * The file value's one promise: it is what the files hold now, or, where that cannot be read, what they held
 * when it last could.
 */
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { errorCode } from '../lib/errors.ts'

export interface FileValueOptions<Value> {
  /** Files, and folders with everything beneath them. */
  readonly paths: readonly string[]
  /** @throws Error where the files hold no value, as in the middle of a renewal of two of them */
  readonly read: () => Value
  /** Told once of each change that cannot be read. */
  readonly onError: (error: unknown) => void
}

/**
 * Reads a value from files, and again when it is asked for and one of them is another than before: renewals
 * replace files, write them in place, or move a link, and a look at each finds all three.
 * @throws what `read` throws, where there is no value to begin with
 */
export function createFileValue<Value>({ paths, read, onError }: FileValueOptions<Value>): () => Value {
  const look = () => paths.map(stampOf).join('\n')
  // Before the reading: what is written in between then looks changed, and is read once more.
  let stamp = look()
  let value = read()
  return () => {
    const now = look()
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

/** Differs when the file, or what is in the folder, does. */
function stampOf(path: string): string {
  try {
    const stats = statSync(path, { bigint: true })
    if (stats.isDirectory()) return filesBeneath(path).map(stampOf).join('\n')
    return [path, stats.dev, stats.ino, stats.size, stats.mtimeNs, stats.ctimeNs].join(' ')
  } catch (error) {
    // The reading fails by the same, and tells of it.
    return `${path} ${errorCode(error)}`
  }
}

/** In order of their names. */
export function filesBeneath(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true })
    .sort((one, other) => (one.name < other.name ? -1 : 1))
    .flatMap((entry) => {
      const path = join(folder, entry.name)
      return entry.isDirectory() ? filesBeneath(path) : [path]
    })
}
