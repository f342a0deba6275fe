import { lstat, readlink } from 'node:fs/promises'
import { join } from 'node:path'
import { errorCode } from '../lib/errors.ts'
import { failedPrecondition } from './driver-error.ts'
import { removeFile } from './durable-files.ts'
import type { FileOperations } from './file-operations.ts'
import { type Mount, mountAt, placeOf, readMountTable } from './mount-table.ts'
import { ToolError } from './run-tool.ts'

export type PublishMethod = 'bind' | 'symlink'

export interface PublishedTarget {
  /** Canonical, see canonicalPath. */
  readonly path: string
  readonly method: PublishMethod
  readonly readonly: boolean
}

/** What is put at a target: a volume's directory, or one of the loop devices of its file. */
export interface PublishSource {
  readonly path: string
  readonly isDevice: boolean
}

type Where = Pick<PublishedTarget, 'path' | 'method'>

/** What is at a target now. `foreign`: a mount or link that is not of the source. */
type TargetState = 'nothing' | 'ours' | 'foreign'

/** Looks what the kernel has at a target, as mounts end with the machine and records do not. */
export async function inspectTarget({ path, method }: Where, source: PublishSource): Promise<TargetState> {
  if (method === 'bind') return inspectMount(path, source)
  const stats = await statsOf(path)
  if (!stats?.isSymbolicLink()) return 'nothing'
  return (await readlink(path)) === source.path ? 'ours' : 'foreign'
}

function inspectMount(path: string, source: PublishSource): TargetState {
  const table = readMountTable()
  const mount = mountAt(path, table)
  if (mount === undefined) return 'nothing'
  return isMountOf(mount, source, table) ? 'ours' : 'foreign'
}

function isMountOf(mount: Mount, source: PublishSource, table: readonly Mount[]): boolean {
  const place = placeOf(source.path, table)
  return mount.device === place?.device && mount.root === place.path
}

/**
 * Makes a directory or device appear at a path. Doing it again changes nothing.
 * @throws DriverError FAILED_PRECONDITION where the path is taken, or the method cannot do what is asked
 */
export async function publishTarget(
  files: FileOperations,
  source: PublishSource,
  { path, method, readonly }: PublishedTarget,
  mountFlags: readonly string[],
): Promise<void> {
  if (method === 'symlink') return linkTarget(files, source.path, path, readonly, mountFlags)
  const state = inspectMount(path, source)
  if (state === 'foreign') {
    throw failedPrecondition(
      `target_path ${path} holds a mount of something else: unmount it, or use another path`,
    )
  }
  if (state === 'nothing') await prepareMountPoint(files, path, source.isDevice)
  try {
    if (state === 'nothing') await files.run('mount', ['--bind', source.path, path])
    // The kernel takes the flags of a bind mount in a second step, so a crash may have left the first alone.
    const flags = chooseFlags(mountFlags, { readonly, isDevice: source.isDevice })
    await files.run('mount', ['-o', `remount,bind,${flags.join(',')}`, path])
  } catch (error) {
    // What was there before this call is in use by a workload, and stays.
    if (state === 'nothing') await unpublishTarget(files, source, { path, method })
    throw error
  }
}

/**
 * Takes it away again, with the file or directory that it was put on. What is not there is done, and what is
 * there and not of the source stays.
 * @throws DriverError FAILED_PRECONDITION where something else is mounted over it
 */
export async function unpublishTarget(
  files: FileOperations,
  source: PublishSource | undefined,
  { path, method }: Where,
): Promise<void> {
  if (method === 'symlink') {
    const isOurs = source !== undefined && (await inspectTarget({ path, method }, source)) === 'ours'
    if (isOurs) await files.unlink(path)
    return
  }
  for (;;) {
    const table = readMountTable()
    const isOurs = (mount: Mount) => source !== undefined && isMountOf(mount, source, table)
    const top = mountAt(path, table)
    if (top === undefined) break
    if (isOurs(top)) {
      await files.run('umount', [path])
      continue
    }
    if (!table.some((mount) => mount.mountPoint === path && isOurs(mount))) return
    throw failedPrecondition(`something else is mounted over ${path}: unmount that first`)
  }
  const stats = await statsOf(path)
  // What is not empty was not made for the mount: it is somebody's, and stays.
  if (stats?.isFile() && stats.size === 0) await files.unlink(path)
  if (!stats?.isDirectory()) return
  await files.rmdir(path).catch((error: unknown) => {
    if (errorCode(error) !== 'ENOTEMPTY') throw error
  })
}

/**
 * What is in a directory comes from workloads, or from copies as root: it brings no device and no rights along,
 * unless the caller says `dev` or `suid`. A device that is published is one.
 */
function chooseFlags(
  wanted: readonly string[],
  { readonly, isDevice }: { readonly readonly: boolean; readonly isDevice: boolean },
): string[] {
  const safe = isDevice ? [] : ['suid', 'dev'].filter((flag) => !wanted.includes(flag))
  return [
    ...wanted.filter((flag) => flag !== 'ro' && flag !== 'rw'),
    ...safe.map((flag) => `no${flag}`).filter((flag) => !wanted.includes(flag)),
    readonly ? 'ro' : 'rw',
  ]
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
    // Some callers make the target itself. Only an empty directory gives way.
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

async function statsOf(path: string) {
  return lstat(path).catch((error: unknown) => {
    if (errorCode(error) === 'ENOENT' || errorCode(error) === 'ENOTDIR') return undefined
    throw error
  })
}

/** Whether this process may bind mount: by doing it, on a file, which needs no room on a full file system. */
export async function canBindMount(files: FileOperations, directory: string): Promise<boolean> {
  const path = join(directory, 'mount-probe')
  const source = { path, isDevice: true }
  const target = { path, method: 'bind' } as const
  // A driver that was killed here left its probe.
  await unpublishTarget(files, source, target)
  await removeFile(files, path)
  await files.createFile(path, '')
  try {
    await files.run('mount', ['--bind', path, path])
    return true
  } catch (error) {
    if (error instanceof ToolError) return false
    throw error
  } finally {
    await unpublishTarget(files, source, target)
  }
}
