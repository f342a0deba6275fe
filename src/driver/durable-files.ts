import { randomBytes } from 'node:crypto'
import { basename, dirname, join } from 'node:path'
import { errorCode } from '../lib/errors.ts'
import type { FileOperations } from './file-operations.ts'

/** Replaces a file as a whole: after a crash at any moment it holds the old content or the new. */
export async function writeFileDurably(files: FileOperations, path: string, content: string): Promise<void> {
  const temporary = join(dirname(path), `.${basename(path)}.${randomBytes(4).toString('hex')}.tmp`)
  await files.createFile(temporary, content)
  await files.sync(temporary)
  await files.rename(temporary, path)
  await files.sync(dirname(path))
}

/** Removes a file; what is not there is removed. */
export async function removeFile(files: FileOperations, path: string): Promise<void> {
  await files.unlink(path).catch((error: unknown) => {
    if (errorCode(error) !== 'ENOENT') throw error
  })
}
