import { join } from 'node:path'
import process from 'node:process'
import { Command, InvalidArgumentError, Option } from 'commander'
import { systemClock } from '../lib/clock.ts'
import { createLog, type LogLevel } from '../lib/log.ts'
import { waitForShutdown } from '../lib/shutdown.ts'
import { defaultStateDirectory } from '../lib/state-directory.ts'
import type { PluginConfig } from '../server/plugins/registry.ts'
import { startServer } from '../server/server.ts'
import { logLevelOption, parseAddressOption, parseDurationOption } from './options.ts'

interface ServerFlags {
  readonly http: { readonly host: string; readonly port: number }
  readonly dataDir: string
  readonly plugin: readonly PluginConfig[]
  readonly mountRoot?: string
  /** Milliseconds. */
  readonly probeInterval: number
  readonly logLevel: LogLevel
}

/** `mooring server`: the Volumes HTTP API over CSI plugins, until a signal ends it. */
export function serverCommand(): Command {
  return new Command('server')
    .summary('serve the Volumes HTTP API over CSI plugins')
    .description('Serves the Volumes HTTP API of Nomad over CSI plugins, with its state in a directory.')
    .addOption(
      new Option('--http <host:port>', 'where to listen')
        .argParser(parseAddressOption)
        .default({ host: '127.0.0.1', port: 4646 }, '127.0.0.1:4646')
        .env('MOORING_HTTP'),
    )
    .addOption(
      new Option('--data-dir <folder>', 'where the state is kept')
        .default(join(defaultStateDirectory(process.env), 'server'), '$XDG_STATE_HOME/mooring/server')
        .env('MOORING_DATA_DIR'),
    )
    .addOption(
      new Option('--plugin <id=endpoint>', 'a CSI plugin, ID=unix:///path or ID=tcp://host:port; repeatable')
        .argParser(collectPlugin)
        .default([], 'none'),
    )
    .addOption(
      new Option('--probe-interval <duration>', 'between two probes of a healthy plugin')
        .argParser(parseDurationOption)
        .default(30_000, '30s'),
    )
    .addOption(
      new Option('--mount-root <folder>', 'where mooring mount may mount volumes; default: nowhere').env(
        'MOORING_MOUNT_ROOT',
      ),
    )
    .addOption(logLevelOption())
    .action(async (flags: ServerFlags) => {
      const log = createLog(flags.logLevel)
      const server = await startServer({
        http: flags.http,
        dataDirectory: flags.dataDir,
        plugins: flags.plugin,
        clock: systemClock,
        log,
        probeIntervalMs: flags.probeInterval,
        ...(flags.mountRoot !== undefined && { mountRoot: flags.mountRoot }),
      })
      const signal = await waitForShutdown(systemClock)
      log.info({ signal }, 'server stopping')
      await server.close()
    })
}

/** Adds `ID=endpoint` to the plugins named before it. */
export function collectPlugin(text: string, before: readonly PluginConfig[]): readonly PluginConfig[] {
  const divider = text.indexOf('=')
  const plugin = { id: text.slice(0, divider), endpoint: text.slice(divider + 1) }
  if (divider <= 0 || !/^(unix:\/\/\/|tcp:\/\/)./.test(plugin.endpoint)) {
    throw new InvalidArgumentError('write ID=unix:///path/to.sock or ID=tcp://host:port.')
  }
  if (before.some(({ id }) => id === plugin.id)) {
    throw new InvalidArgumentError(`plugin "${plugin.id}" is given twice.`)
  }
  return [...before, plugin]
}
