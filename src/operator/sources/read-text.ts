import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { errorCode } from '../../lib/errors.ts'
import { explain } from './scan-files.ts'

const largestFileMiB = 4
export const largestFileBytes = largestFileMiB * 2 ** 20
export const tooLarge = `is larger than ${largestFileMiB} MiB: split it, or give it another ending`

/**
 * Reads a file of UTF-8 text with a limited size.
 * @returns the text, or why there is none and what to do
 */
export async function readText(path: string | Buffer): Promise<{ text: string } | { message: string }> {
  try {
    // Without blocking: a pipe may be in place of the file by now, and to open that would hang.
    await using handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
    const stats = await handle.stat()
    if (!stats.isFile()) return { message: 'is no longer a file: it is read again soon' }
    if (stats.size > largestFileBytes) return { message: tooLarge }
    return decodeText(await handle.readFile())
  } catch (error) {
    return { message: explain(error, false) }
  }
}

/** Decodes the bytes of a file, or says why that is impossible. */
export function decodeText(bytes: Uint8Array): { text: string } | { message: string } {
  try {
    return { text: new TextDecoder('utf-8', { fatal: true }).decode(bytes) }
  } catch (error) {
    if (errorCode(error) !== 'ERR_ENCODING_INVALID_ENCODED_DATA') throw error
    return { message: 'is not UTF-8 text: save it as UTF-8' }
  }
}
