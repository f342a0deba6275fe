import { lstat } from 'node:fs/promises'
import { connect } from 'node:net'
import { errorCode, UsageError } from '../lib/errors.ts'
import type { FileOperations } from './file-operations.ts'

/** What the kernel takes for a socket's path (sockaddr_un), without the closing NUL. */
const longestSocketPath = 107

/**
 * The path of a `unix:///path` endpoint. There is no other: whoever can call a driver can delete every
 * volume, and a socket's file has an owner.
 * @throws UsageError for anything else
 */
export function socketPath(endpoint: string): string {
  const [, path] = /^unix:(?:\/\/)?(\/.+)$/.exec(endpoint) ?? []
  if (path === undefined) throw new UsageError(`--endpoint is unix:///path, not ${endpoint}`)
  return path
}

/**
 * Makes room for a socket: one that a killed process left behind is removed, one that is answered is not.
 * @throws UsageError for a path that is too long, in use, or something else than a socket
 */
export async function clearSocket(files: FileOperations, path: string): Promise<void> {
  if (Buffer.byteLength(path) > longestSocketPath) {
    throw new UsageError(
      `the socket path ${path} is longer than ${longestSocketPath} bytes: use a shorter --endpoint`,
    )
  }
  const stats = await lstat(path).catch((error: unknown) => {
    if (errorCode(error) === 'ENOENT') return undefined
    throw error
  })
  if (stats === undefined) return
  if (!stats.isSocket())
    throw new UsageError(
      `${path} is there and is no socket: use another socket (--endpoint of mooring driver, --data-dir of mooring up)`,
    )
  if (await isAnswered(path)) {
    throw new UsageError(
      `another process is listening on ${path}: stop it, or use another socket (--endpoint of mooring driver, --data-dir of mooring up)`,
    )
  }
  await files.unlink(path)
}

function isAnswered(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path)
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    // ECONNREFUSED: nobody holds it any more.
    socket.once('error', () => resolve(false))
  })
}
