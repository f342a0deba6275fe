import { existsSync, mkdtempSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { errorCode } from './errors.ts'
import { fitsSocketPath } from './socket-path.ts'

const socketFile = 'admin.sock'
/** Contains the socket's path, where a path in the directory would be too long for the kernel. */
const pointerFile = 'admin.sock.path'

/**
 * A free path for the admin socket of a directory, where nobody else may enter. The caller holds the lock of the
 * directory. What an earlier process left there is removed.
 */
export function reserveAdminSocket(directory: string): { path: string; remove(): void } {
  const pointer = join(directory, pointerFile)
  removeShortPlace(pointer)
  const path = join(directory, socketFile)
  if (fitsSocketPath(path)) {
    rmSync(path, { force: true })
    return { path, remove: () => rmSync(path, { force: true }) }
  }
  const short = join(mkdtempSync(join(tmpdir(), 'mooring-')), socketFile)
  writeFileSync(pointer, short, { mode: 0o600 })
  return { path: short, remove: () => removeShortPlace(pointer) }
}

/** The socket of the process that uses this directory; undefined where none runs. After a crash the path may be stale. */
export function findAdminSocket(directory: string): string | undefined {
  const path = adminSocketPath(directory)
  return existsSync(path) ? path : undefined
}

/** Where the socket of this directory is, or would be. */
export function adminSocketPath(directory: string): string {
  return readPointer(join(directory, pointerFile)) ?? join(directory, socketFile)
}

function removeShortPlace(pointer: string): void {
  const path = readPointer(pointer)
  if (path === undefined) return
  rmSync(path, { force: true })
  if (existsSync(dirname(path))) rmdirSync(dirname(path))
  rmSync(pointer)
}

function readPointer(pointer: string): string | undefined {
  try {
    return readFileSync(pointer, 'utf8')
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error
    return undefined
  }
}
