import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { Command, Option } from 'commander'
import pino from 'pino'
import { startDriver } from '../driver/driver.ts'
import { systemClock } from '../lib/clock.ts'
import { createLog, type Log } from '../lib/log.ts'
import { makeFolder } from '../lib/make-folder.ts'
import { openTogether } from '../lib/open-together.ts'
import { shellCommand } from '../lib/shell-command.ts'
import { waitForShutdown } from '../lib/shutdown.ts'
import { fitsSocketPath } from '../lib/socket-path.ts'
import { runOperator } from '../operator/operator.ts'
import { sourceName } from '../operator/sources/open-sources.ts'
import { startServer } from '../server/server.ts'
import { createPluginCallMetrics } from '../telemetry/plugin-calls.ts'
import { showLiveTable } from './live-table.ts'
import { openLog } from './log-options.ts'
import { type OperatorFlags, readOperatorSettings } from './operator-settings.ts'
import { operatorOptions, parseAddressOption, readOnlyOption } from './options.ts'
import { dataDirOption } from './target.ts'
import { uiOptions } from './ui-options.ts'

/** The plugin ID by which declarations name the driver of this process. */
const pluginID = 'directories'

interface UpFlags extends OperatorFlags {
  readonly dataDir: string
  readonly readOnly: boolean
  readonly http: { readonly host: string; readonly port: number }
  readonly output: 'auto' | 'table' | 'log'
}

/** `mooring up`: driver, server and operator in one process, over a real unix socket and real loopback HTTP. */
export function upCommand(): Command {
  const command = new Command('up')
    .description(
      'Runs the CSI driver over directories, the Volumes HTTP API and the operator in one process.\n' +
        `Declarations name the driver as pluginID: ${pluginID}. Ctrl-C finishes what is in process and ends.`,
    )
    .argument('[sources...]', 'folders of declarations, or git+https://host/repository.git#branch:path', [
      '.',
    ])
    .addOption(dataDirOption())
    .addOption(
      new Option('--http <host:port>', 'address that the Volumes HTTP API listens at')
        .argParser(parseAddressOption)
        .default({ host: '127.0.0.1', port: 4646 }, '127.0.0.1:4646')
        .env('MOORING_HTTP'),
    )
    .addOption(
      new Option(
        '-o, --output <format>',
        'what to print: a live table, log lines, or what the terminal can show',
      )
        .choices(['auto', 'table', 'log'])
        .default('auto')
        .env('MOORING_OUTPUT'),
    )
  for (const option of operatorOptions()) command.addOption(option)
  for (const option of [readOnlyOption(), ...uiOptions()]) command.addOption(option)
  return command
    .addHelpText(
      'after',
      `
Examples:
  mooring up volumes/
  mooring up volumes/ --data-dir .mooring --http 127.0.0.1:5646`,
    )
    .action(up)
}

async function up(sources: readonly string[], flags: UpFlags): Promise<void> {
  const shutdown = waitForShutdown(systemClock)
  const dataDirectory = resolve(flags.dataDir)
  makeFolder(dataDirectory, 0o700)
  const showsTable = flags.output === 'table' || (flags.output === 'auto' && process.stdout.isTTY)
  const logFile = join(dataDirectory, 'mooring.log')
  const log = showsTable
    ? createLog(flags.logLevel, pino.destination({ dest: logFile, append: true, sync: true }))
    : openLog(flags)

  const parts = await startParts(sources, flags, dataDirectory, log)
  const names = sources.map(sourceName)
  const { url, volumesDirectory } = parts
  const heading = [
    `Declarations  ${names.join(', ')}`,
    `Volumes API   ${url}/v1/volumes?type=csi`,
    ...describeUI(parts.operator.ui, showsTable, flags.dataDir),
    `Directories   ${volumesDirectory}`,
    ...(showsTable ? [`Log           ${logFile}`, '', 'Ctrl-C ends.'] : []),
  ]
  // Whoever asks for JSON, as for journald or docker logs, gets nothing else.
  if (!showsTable && flags.logFormat !== 'json') process.stdout.write(`${heading.join('\n')}\n`)
  log.info({ sources: names, volumesAPI: url, directories: volumesDirectory }, 'mooring runs')
  const stopTable = showsTable
    ? showLiveTable(parts.operator.admin, systemClock, heading.join('\n'), process.stdout)
    : async () => {}

  const signal = await shutdown
  log.info({ signal }, 'finishing what is in process; a second signal stops it at once')
  await parts.close()
  await stopTable()
}

/** A terminal is told a link that may give orders, once. What may be kept in a file is not. */
function describeUI(
  ui: Awaited<ReturnType<typeof runOperator>>['ui'],
  isTerminal: boolean,
  dataDir: string,
): string[] {
  if (ui === undefined) return []
  const link = isTerminal
    ? ui.createLoginLink()
    : `run ${shellCommand('mooring', 'dashboard', '--data-dir', dataDir)}`
  return [`Dashboard     ${ui.url}`, `  with orders ${link}`]
}

function startParts(source: readonly string[], flags: UpFlags, dataDirectory: string, log: Log) {
  return openTogether(async (adopt) => {
    const socket = adopt(chooseSocketPath(dataDirectory))
    const driver = adopt(
      await startDriver({
        endpoint: `unix://${socket.path}`,
        poolDirectory: join(dataDirectory, 'pool'),
        nodeID: 'this-machine',
        clock: systemClock,
        log: log.child({ part: 'driver' }),
      }),
    )
    const pluginCalls = createPluginCallMetrics(systemClock)
    const server = adopt(
      await startServer({
        http: flags.http,
        aroundPluginCall: pluginCalls.aroundCall,
        dataDirectory: join(dataDirectory, 'server'),
        plugins: [{ id: pluginID, endpoint: driver.endpoint }],
        clock: systemClock,
        log: log.child({ part: 'server' }),
      }),
    )
    const settings = readOperatorSettings({
      ...flags,
      source,
      nomadAddr: server.url,
      dataDir: dataDirectory,
    })
    const operator = adopt(
      await runOperator(settings, {
        log: log.child({ part: 'operator' }),
        // The server finishes every create that it accepted before it answers, and this process holds both.
        callsEndedBeforeMs: systemClock.monotonicMs(),
        pluginCalls,
      }),
    )
    return { operator, url: server.url, volumesDirectory: driver.volumesDirectory }
  })
}

/** A path in the data directory, or where that is too long for a socket, in a temporary folder. */
function chooseSocketPath(dataDirectory: string): { path: string; close: () => void } {
  const path = join(dataDirectory, 'csi.sock')
  if (fitsSocketPath(path)) return { path, close: () => {} }
  const directory = mkdtempSync(join(tmpdir(), 'mooring-'))
  return {
    path: join(directory, 'csi.sock'),
    close: () => rmSync(directory, { recursive: true, force: true }),
  }
}
