import { basename, dirname } from 'node:path'
import { errorCode } from '../lib/errors.ts'
import type { FileOperations } from './file-operations.ts'
import { describeMounts } from './mount-uses.ts'
import { ToolError } from './run-tool.ts'

/**
 * Removes a file or a directory with all that is in it. What is not there is removed.
 * @throws Error where something is mounted in it or shows it, before anything of it is touched
 */
export async function removeTree(files: FileOperations, path: string, signal?: AbortSignal): Promise<void> {
  if (await removeEntry(files, path)) return
  const { here, elsewhere } = await describeMounts(dirname(path), basename(path))
  const mounts = [...here, ...elsewhere]
  if (mounts.length > 0) throw new Error(`it is ${mounts.join(', ')}: unmount that first`)
  const remove = () => files.run('rm', ['-rf', '--one-file-system', '--', path], signal)
  await remove().catch(async (error: unknown) => {
    if (!(error instanceof ToolError) || signal?.aborted || process.getuid?.() === 0) throw error
    // An ordinary user removes nothing from a directory of its own that it may not write.
    await files.run('find', [path, '-xdev', '-type', 'd', '-exec', 'chmod', 'u+rwx', '--', '{}', ';'], signal)
    await remove()
  })
}

/** Without a tool, where that is enough: for what is not there, for a file, and for an empty directory. */
async function removeEntry(files: FileOperations, path: string): Promise<boolean> {
  try {
    await files.rmdir(path)
    return true
  } catch (error) {
    const code = errorCode(error)
    if (code === 'ENOENT') return true
    if (code !== 'ENOTDIR') return false
    await files.unlink(path)
    return true
  }
}
