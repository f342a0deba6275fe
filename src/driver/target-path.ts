import { realpath } from 'node:fs/promises'
import { basename, dirname, isAbsolute, join, normalize } from 'node:path'
import { errorCode } from '../lib/errors.ts'
import { failedPrecondition, invalidArgument } from './driver-error.ts'
import { isAtOrBelow, isPlaceWithin, placeOf, readMountTable } from './mount-table.ts'

/**
 * The one spelling of a path that a caller names, however the caller spells it: no doubled or trailing
 * slashes, no `.` and `..`, and no symbolic link in what leads to its last part. The last part itself may
 * be a link or missing, as may what leads to it.
 * @throws DriverError INVALID_ARGUMENT where the path is not absolute
 */
export async function canonicalPath(field: string, path: string): Promise<string> {
  if (!isAbsolute(path)) throw invalidArgument(`${field} is not an absolute path`)
  const trimmed = path.replace(/\/+$/, '')
  // `..` is the kernel's to resolve: behind a symbolic link it is not the part before it in the text.
  if (trimmed === '' || /\/\.\.?$/.test(trimmed)) return realDirectory(trimmed === '' ? '/' : trimmed)
  return join(await realDirectory(dirname(trimmed)), basename(trimmed))
}

/** What is there of a path is resolved by the kernel, the rest is taken as it is written. */
async function realDirectory(path: string): Promise<string> {
  try {
    return await realpath(path)
  } catch (error) {
    const code = errorCode(error)
    if ((code !== 'ENOENT' && code !== 'ENOTDIR') || dirname(path) === path) throw error
    return normalize(join(await realDirectory(dirname(path)), basename(path)))
  }
}

/**
 * Checks a canonical path at which a caller wants something put.
 * @throws DriverError INVALID_ARGUMENT where it lies in the pool or holds it, under whatever name;
 * FAILED_PRECONDITION where the directory that it is to be made in is not there
 */
export async function checkTargetPath(field: string, path: string, poolDirectory: string): Promise<void> {
  if (isAtOrBelow(poolDirectory, path)) throw invalidArgument(`${field} holds the pool`)
  const table = readMountTable()
  if (
    isAtOrBelow(path, poolDirectory) ||
    isPlaceWithin(placeOf(dirname(path), table), placeOf(poolDirectory, table))
  ) {
    throw invalidArgument(`${field} lies in the pool`)
  }
  await realpath(dirname(path)).catch((error: unknown) => {
    if (errorCode(error) === 'ENOENT') throw failedPrecondition(`${field}: ${dirname(path)} is not there`)
    throw error
  })
}
