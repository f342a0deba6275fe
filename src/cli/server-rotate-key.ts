import { Command, Option } from 'commander'
import { Agent, request } from 'undici'
import { findAdminSocket } from '../lib/admin-socket.ts'
import { systemClock } from '../lib/clock.ts'
import { errorCode, UsageError } from '../lib/errors.ts'
import { openState } from '../server/state/state.ts'
import { printResult, resultOption } from './output.ts'
import { serverDataDirectoryOption } from './server-backup.ts'

interface RotateKeyFlags {
  readonly dataDir: string
  readonly keyFile?: string
  readonly output: 'text' | 'json'
}

/** `mooring server rotate-key`: at a running server through its socket, else at its state directly. */
export function serverRotateKeyCommand(): Command {
  return new Command('rotate-key')
    .summary('encrypt the stored secrets with a new key')
    .description(
      'Makes a new key, and encrypts every stored secret with it, while the server runs or not. The key from ' +
        'before stays beside it under its ID: backups from before need it.',
    )
    .addOption(serverDataDirectoryOption())
    .addOption(
      new Option(
        '--key-file <file>',
        'the key, where no server runs (default: server.key in the folder)',
      ).env('MOORING_KEY_FILE'),
    )
    .addOption(resultOption())
    .addHelpText(
      'after',
      `
Examples:
  mooring server rotate-key
  mooring server rotate-key --data-dir /var/lib/mooring/server -o json`,
    )
    .action(async ({ dataDir, keyFile, output }: RotateKeyFlags) => {
      const keyID = (await rotateRunning(dataDir)) ?? (await rotateClosed(dataDir, keyFile))
      printResult(output, { keyID }, `secrets are encrypted with the new key ${keyID}; keep a copy of it`)
    })
}

async function rotateClosed(directory: string, keyFile: string | undefined): Promise<string> {
  const state = openState(directory, systemClock, { keyFile })
  try {
    return await state.rotateKey()
  } finally {
    state.close()
  }
}

/** undefined: no server runs there. @throws UsageError what the server says */
async function rotateRunning(directory: string): Promise<string | undefined> {
  const socketPath = findAdminSocket(directory)
  if (socketPath === undefined) return undefined
  const dispatcher = new Agent({ connect: { socketPath }, headersTimeout: 0, bodyTimeout: 0 })
  try {
    const answer = await request('http://mooring/v1/rotate-key', { dispatcher, method: 'POST' })
    const text = await answer.body.text()
    if (answer.statusCode !== 200) throw new UsageError(`the key was not changed: ${text}`)
    return text
  } catch (error) {
    // What a process that was killed leaves behind.
    if (['ECONNREFUSED', 'ENOENT'].includes(errorCode(error) ?? '')) return undefined
    throw error
  } finally {
    await dispatcher.destroy()
  }
}
