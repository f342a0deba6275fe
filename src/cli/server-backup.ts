import { createWriteStream, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { pipeline } from 'node:stream/promises'
import { Command, Option } from 'commander'
import { Agent, request } from 'undici'
import { findAdminSocket } from '../lib/admin-socket.ts'
import { systemClock } from '../lib/clock.ts'
import { errorCode, errorMessage, UsageError } from '../lib/errors.ts'
import { defaultStateDirectory } from '../lib/state-directory.ts'
import { backupClosedState, restoreState } from '../server/state/backup.ts'

/** Where the state of the server is. */
export const serverDataDirectoryOption = () =>
  new Option('--data-dir <folder>', 'where the state is kept')
    .default(join(defaultStateDirectory(process.env), 'server'), '$XDG_STATE_HOME/mooring/server')
    .env('MOORING_DATA_DIR')

interface DataDirectoryFlags {
  readonly dataDir: string
}

/** `mooring server backup`: of a running server through its socket, else of its state directly. */
export function serverBackupCommand(): Command {
  return new Command('backup')
    .summary('back up the state, while the server runs or not')
    .description(
      'Writes the state as it is at one moment to a file. Secrets of volumes are encrypted in it: keep the\n' +
        'key (server.key) apart from it, and do keep it.',
    )
    .argument('<file>', 'where to write the backup; one that is there is replaced')
    .addOption(serverDataDirectoryOption())
    .action(async (file: string, { dataDir }: DataDirectoryFlags) => {
      const fresh = `${file}.part`
      rmSync(fresh, { force: true })
      try {
        if (!(await backupRunning(dataDir, fresh))) await backupClosedState(dataDir, fresh)
        renameSync(fresh, file)
      } catch (error) {
        rmSync(fresh, { force: true })
        if (error instanceof UsageError) throw error
        throw new UsageError(`no backup was taken: ${errorMessage(error)}`, { cause: error })
      }
      process.stdout.write(`${file} has the state of ${dataDir}\n`)
    })
}

/** `mooring server restore`: puts a backup in the place of the state, with no server running. */
export function serverRestoreCommand(): Command {
  return new Command('restore')
    .summary('put a backup in the place of the state')
    .description(
      'Checks a backup and puts it in the place of the state, which is kept beside it. No server may run.',
    )
    .argument('<file>', 'a backup')
    .addOption(serverDataDirectoryOption())
    .action((file: string, { dataDir }: DataDirectoryFlags) => {
      const label = new Date(systemClock.now()).toISOString().replaceAll(/[:.]/g, '-')
      const aside = restoreState(dataDir, file, label)
      process.stdout.write(`${dataDir} has the state of ${file}\n`)
      if (aside !== undefined) process.stdout.write(`what was there is in ${aside}\n`)
    })
}

/** @returns whether a server runs on the directory @throws UsageError where it does and gives no backup */
async function backupRunning(directory: string, path: string): Promise<boolean> {
  const socketPath = findAdminSocket(directory)
  if (socketPath === undefined) return false
  const dispatcher = new Agent({ connect: { socketPath }, headersTimeout: 0, bodyTimeout: 0 })
  try {
    const answer = await request('http://mooring/v1/backup', { dispatcher, method: 'POST' })
    if (answer.statusCode !== 200) {
      throw new UsageError(`the server gives no backup: ${await answer.body.text()}`)
    }
    await pipeline(answer.body, createWriteStream(path, { flags: 'wx', mode: 0o600, flush: true }))
    return true
  } catch (error) {
    const code = errorCode(error)
    // What a process that was killed leaves behind.
    if (code === 'ECONNREFUSED' || code === 'ENOENT') return false
    if (code === 'EACCES') {
      throw new UsageError(
        `the server of ${directory} belongs to another user: run this command as that user`,
      )
    }
    throw error
  } finally {
    await dispatcher.destroy()
  }
}
