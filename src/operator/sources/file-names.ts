import { realpathSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { errorCode } from '../../lib/errors.ts'

/** A name as the file system has it. */
export interface ReadName {
  /** Where the name is not UTF-8, it has replacement characters, and nothing is declared under it. */
  readonly name: string
  /** The name with escapes, where it is not UTF-8. */
  readonly misnamed?: string
}

/** Decodes a name. Two names that are not UTF-8 may have the same replacement characters, so such a name is refused. */
export function readName(bytes: Uint8Array): ReadName {
  const name = Buffer.from(bytes).toString()
  if (Buffer.from(name).equals(bytes)) return { name }
  const shown = [...bytes]
    .map((byte) =>
      byte > 0x20 && byte < 0x7f ? String.fromCharCode(byte) : `\\x${byte.toString(16).padStart(2, '0')}`,
    )
    .join('')
  return { name, misnamed: shown }
}

/**
 * The name of a folder or file as a source: its real absolute path, so that every way to write it gives the same. What does
 * not exist yet is named by what does exist around it.
 */
export function realName(path: string): string {
  const absolute = resolve(path)
  try {
    return realpathSync(absolute)
  } catch (error) {
    const parent = dirname(absolute)
    if (errorCode(error) !== 'ENOENT' || parent === absolute) return absolute
    return join(realName(parent), basename(absolute))
  }
}
