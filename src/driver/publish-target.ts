import { lstat, readlink, realpath } from 'node:fs/promises'
import { dirname, isAbsolute, join } from 'node:path'
import { errorCode } from '../lib/errors.ts'
import { failedPrecondition, invalidArgument } from './driver-error.ts'
import type { FileOperations } from './file-operations.ts'
import { readMountTable } from './mount-table.ts'
import { ToolError } from './run-tool.ts'

export type PublishMethod = 'bind' | 'symlink'

export interface PublishedTarget {
  readonly path: string
  readonly method: PublishMethod
  readonly readonly: boolean
}

/**
 * Checks a path that a caller wants something put at.
 * @throws DriverError INVALID_ARGUMENT where it is not absolute, or lies in the pool
 */
export async function checkTargetPath(field: string, path: string, poolDirectory: string): Promise<void> {
  if (!isAbsolute(path)) throw invalidArgument(`${field} is not an absolute path`)
  const parent = await realpath(dirname(path)).catch((error: unknown) => {
    if (errorCode(error) === 'ENOENT') throw failedPrecondition(`${field}: ${dirname(path)} is not there`)
    throw error
  })
  if (`${parent}/`.startsWith(`${poolDirectory}/`)) throw invalidArgument(`${field} lies in the pool`)
}

/** Whether what was published is still to be seen: mounts end with the machine, the records do not. */
export async function isPublished({
  path,
  method,
}: Pick<PublishedTarget, 'path' | 'method'>): Promise<boolean> {
  if (method === 'bind') return (await mountsAt(path)).length > 0
  return (await statsOf(path))?.isSymbolicLink() === true
}

/**
 * Makes a directory or device appear at a path; doing it again changes nothing.
 * @throws DriverError FAILED_PRECONDITION where the path is taken, or the method cannot do what is asked
 */
export async function publishTarget(
  files: FileOperations,
  source: string,
  { path, method, readonly }: PublishedTarget,
  { mountFlags, isDevice }: { mountFlags: readonly string[]; isDevice: boolean },
): Promise<void> {
  if (method === 'symlink') return linkTarget(files, source, path, readonly, mountFlags)
  const isMounted = (await mountsAt(path)).length > 0
  if (!isMounted) await prepareMountPoint(files, path, isDevice)
  try {
    if (!isMounted) await files.run('mount', ['--bind', source, path])
    // The kernel takes the flags of a bind mount in a second step, so a crash may have left the first alone.
    const flags = [...mountFlags.filter((flag) => flag !== 'ro' && flag !== 'rw'), readonly ? 'ro' : 'rw']
    if (readonly || flags.length > 1)
      await files.run('mount', ['-o', `remount,bind,${flags.join(',')}`, path])
  } catch (error) {
    await unpublishTarget(files, { path, method })
    throw error
  }
}

/** Takes it away again, with the file or directory it was put on; what is not there is done. */
export async function unpublishTarget(
  files: FileOperations,
  { path, method }: Pick<PublishedTarget, 'path' | 'method'>,
): Promise<void> {
  if (method === 'symlink') {
    if ((await statsOf(path))?.isSymbolicLink()) await files.unlink(path)
    return
  }
  for (const _ of await mountsAt(path)) await files.run('umount', [path])
  const stats = await statsOf(path)
  // What is not empty was not made for the mount: it is somebody's, and stays.
  if (stats?.isFile() && stats.size === 0) await files.unlink(path)
  if (!stats?.isDirectory()) return
  await files.rmdir(path).catch((error: unknown) => {
    if (errorCode(error) !== 'ENOTEMPTY') throw error
  })
}

async function linkTarget(
  files: FileOperations,
  source: string,
  path: string,
  readonly: boolean,
  mountFlags: readonly string[],
): Promise<void> {
  if (readonly || mountFlags.length > 0) {
    throw failedPrecondition(
      'this process may not mount, so it publishes by symbolic link, and a link can enforce neither read-only nor mount flags',
    )
  }
  const stats = await statsOf(path)
  if (stats?.isSymbolicLink()) {
    if ((await readlink(path)) === source) return
    throw failedPrecondition(`target_path ${path} is a link to something else`)
  }
  if (stats !== undefined) {
    // Some callers make the target itself; only an empty directory gives way.
    await files.rmdir(path).catch(() => {
      throw failedPrecondition(`target_path ${path} is taken`)
    })
  }
  await files.symlink(source, path)
}

async function prepareMountPoint(files: FileOperations, path: string, isDevice: boolean): Promise<void> {
  const stats = await statsOf(path)
  if (stats?.isSymbolicLink()) throw failedPrecondition(`target_path ${path} is a symbolic link`)
  if (stats !== undefined && (isDevice ? !stats.isFile() : !stats.isDirectory())) {
    throw failedPrecondition(`target_path ${path} is taken by something that cannot be mounted on`)
  }
  if (stats !== undefined) return
  if (isDevice) await files.createFile(path, '')
  else await files.mkdir(path, 0o750)
}

async function mountsAt(path: string) {
  const parent = await realpath(dirname(path)).catch(() => undefined)
  if (parent === undefined) return []
  const real = join(parent, path.slice(path.lastIndexOf('/') + 1))
  return (await readMountTable()).filter(({ mountPoint }) => mountPoint === real)
}

async function statsOf(path: string) {
  return lstat(path).catch((error: unknown) => {
    if (errorCode(error) === 'ENOENT' || errorCode(error) === 'ENOTDIR') return undefined
    throw error
  })
}

/** Whether this process may bind mount: by doing it. */
export async function canBindMount(files: FileOperations, directory: string): Promise<boolean> {
  const target: PublishedTarget = { path: join(directory, 'mount-probe'), method: 'bind', readonly: true }
  try {
    await publishTarget(files, directory, target, { mountFlags: [], isDevice: false })
    return true
  } catch (error) {
    if (error instanceof ToolError) return false
    throw error
  } finally {
    await unpublishTarget(files, target)
  }
}
