import { createWriteStream, renameSync, rmSync } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import { Agent, request } from 'undici'
import { findAdminSocket } from '../../lib/admin-socket.ts'
import { errorCode, errorMessage, UsageError } from '../../lib/errors.ts'
import { backupClosedState } from './backup.ts'

/**
 * Writes the state of a directory, as it is at one moment, to a file: through the running server, or directly if none
 * runs. An older backup in the file is replaced once the new one is whole.
 * @throws UsageError if no backup is taken
 */
export async function writeBackup(directory: string, file: string): Promise<void> {
  const fresh = `${file}.part`
  rmSync(fresh, { force: true })
  try {
    if (!(await backupRunning(directory, fresh))) await backupClosedState(directory, fresh)
    renameSync(fresh, file)
  } catch (error) {
    rmSync(fresh, { force: true })
    if (error instanceof UsageError) throw error
    throw new UsageError(`no backup was taken: ${errorMessage(error)}`, { cause: error })
  }
}

/** @returns whether a server runs on the directory @throws UsageError if it runs and gives no backup */
async function backupRunning(directory: string, path: string): Promise<boolean> {
  const socketPath = findAdminSocket(directory)
  if (socketPath === undefined) return false
  const dispatcher = new Agent({ connect: { socketPath }, headersTimeout: 0, bodyTimeout: 0 })
  try {
    const answer = await request('http://mooring/v1/backup', { dispatcher, method: 'POST' })
    if (answer.statusCode !== 200) {
      throw new UsageError(`no backup was taken: the server answered ${await answer.body.text()}`)
    }
    await pipeline(answer.body, createWriteStream(path, { flags: 'wx', mode: 0o600, flush: true }))
    return true
  } catch (error) {
    const code = errorCode(error)
    // A process that was killed leaves such a socket behind.
    if (code === 'ECONNREFUSED' || code === 'ENOENT') return false
    if (code === 'EACCES') {
      throw new UsageError(
        `no backup was taken: the server of ${directory} belongs to another user: run this command as that user`,
      )
    }
    throw error
  } finally {
    await dispatcher.destroy()
  }
}
