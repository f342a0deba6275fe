import { join } from 'node:path'
import process from 'node:process'
import { Command, Option } from 'commander'
import { systemClock } from '../lib/clock.ts'
import { defaultStateDirectory } from '../lib/state-directory.ts'
import { restoreState } from '../server/state/backup.ts'
import { writeBackup } from '../server/state/write-backup.ts'
import { printResult, resultOption } from './output.ts'

/** Where the state of the server is. */
export const serverDataDirectoryOption = () =>
  new Option('--data-dir <folder>', 'folder of the state')
    .default(join(defaultStateDirectory(process.env), 'server'), '$XDG_STATE_HOME/mooring/server')
    .env('MOORING_DATA_DIR')

interface DataDirectoryFlags {
  readonly dataDir: string
  readonly output: 'text' | 'json'
}

/** `mooring server backup`: a copy of the state, while the server runs or not. */
export function serverBackupCommand(): Command {
  return new Command('backup')
    .summary('back up the state, while the server runs or not')
    .description(
      'Writes the state, as it is at one moment, to a file. Secrets of volumes are encrypted in it with the key ' +
        'server.key. Keep that key too, and keep it somewhere else.',
    )
    .argument('<file>', 'file to write the backup to; one that is there is replaced')
    .addOption(serverDataDirectoryOption())
    .addOption(resultOption())
    .addHelpText(
      'after',
      `
Examples:
  mooring server backup /backup/volumes.sqlite
  mooring server backup today.sqlite --data-dir /var/lib/mooring/server`,
    )
    .action(async (file: string, { dataDir, output }: DataDirectoryFlags) => {
      await writeBackup(dataDir, file)
      printResult(output, { file, dataDir }, `${file} holds the state of ${dataDir}`)
    })
}

/** `mooring server restore`: puts a backup in the place of the state, while no server runs. */
export function serverRestoreCommand(): Command {
  return new Command('restore')
    .summary('put a backup in the place of the state')
    .description(
      'Checks a backup and puts it in the place of the state. The state before it is kept beside it. No server may run.',
    )
    .argument('<file>', 'a backup')
    .addOption(serverDataDirectoryOption())
    .addOption(resultOption())
    .addHelpText(
      'after',
      `
Examples:
  mooring server restore /backup/volumes.sqlite
  mooring server restore old.sqlite --data-dir /var/lib/mooring/server`,
    )
    .action((file: string, { dataDir, output }: DataDirectoryFlags) => {
      const label = new Date(systemClock.now()).toISOString().replaceAll(/[:.]/g, '-')
      const aside = restoreState(dataDir, file, label)
      const before = aside === undefined ? '' : `\nthe state before it is in ${aside}`
      printResult(
        output,
        { file, dataDir, ...(aside === undefined ? {} : { before: aside }) },
        `${dataDir} holds the state of ${file}${before}`,
      )
    })
}
