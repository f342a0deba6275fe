import { readFileSync } from 'node:fs'
import { Command, InvalidArgumentError, Option } from 'commander'
import { systemClock } from '../lib/clock.ts'
import { errorMessage, UsageError } from '../lib/errors.ts'
import { defaultLimits } from '../lib/http/limits.ts'
import { openTogether } from '../lib/open-together.ts'
import { waitForShutdown } from '../lib/shutdown.ts'
import type { Registration } from '../server/context.ts'
import type { PluginConfig } from '../server/plugins/registry.ts'
import { startServer } from '../server/server.ts'
import { type LogFlags, logOptions, openLog } from './log-options.ts'
import {
  collectOption,
  metricsAddressOption,
  parseAddressOption,
  parseCountOption,
  parseDurationOption,
} from './options.ts'
import { serverBackupCommand, serverDataDirectoryOption, serverRestoreCommand } from './server-backup.ts'
import { serverRotateKeyCommand } from './server-rotate-key.ts'
import { startServerTelemetry } from './server-telemetry.ts'
import { aclFileOption, serverTokenCommand } from './server-token.ts'
import { type TlsFlags, tlsFilesOf, tlsOptions } from './tls-options.ts'

interface ServerFlags extends LogFlags, TlsFlags {
  readonly http: { readonly host: string; readonly port: number }
  readonly dataDir: string
  readonly plugin: readonly PluginConfig[]
  readonly keyFile?: string
  readonly registration: Registration
  readonly pluginDir?: string
  readonly pluginCaFile?: string
  readonly pluginCertFile?: string
  readonly pluginKeyFile?: string
  readonly mountRoot?: string
  readonly hostVolumesDir?: string
  readonly hostVolumePluginDir?: string
  /** Milliseconds. */
  readonly probeInterval: number
  readonly metricsAddr?: { readonly host: string; readonly port: number }
  readonly allowedHost: readonly string[]
  readonly maxBody: number
  readonly maxHeaders: number
  readonly maxConnectionsPerClient: number
  readonly maxRequests: number
  readonly aclFile?: string
  readonly insecure: boolean
}

/** `mooring server`: serves the Volumes HTTP API over CSI plugins until a signal ends it. */
export function serverCommand(): Command {
  const command = new Command('server')
    // An option that stands behind a subcommand is the subcommand's.
    .enablePositionalOptions()
    .addCommand(serverTokenCommand())
    .addCommand(serverBackupCommand())
    .addCommand(serverRestoreCommand())
    .addCommand(serverRotateKeyCommand())
    .description('Serves the Volumes HTTP API of Nomad over CSI plugins, and keeps its state in a folder.')
    .addOption(
      new Option('--http <host:port>', 'address to listen at')
        .argParser(parseAddressOption)
        .default({ host: '127.0.0.1', port: 4646 }, '127.0.0.1:4646')
        .env('MOORING_HTTP'),
    )
    .addOption(serverDataDirectoryOption())
    .addOption(
      new Option(
        '--key-file <file>',
        'file of the key that secrets are encrypted with; default: server.key in --data-dir',
      ).env('MOORING_KEY_FILE'),
    )
    .addOption(
      new Option(
        '--plugin <id=endpoint>',
        'a CSI plugin, ID=unix:///path or ID=tcp://host:port; may be given more than once',
      )
        .argParser(collectPlugins)
        .default([], 'none')
        .env('MOORING_PLUGIN'),
    )
    .addOption(
      new Option(
        '--plugin-dir <folder>',
        'folder of sockets: each ID.sock in it is a plugin while it is there',
      ).env('MOORING_PLUGIN_DIR'),
    )
    .addOption(
      new Option(
        '--plugin-ca-file <file>',
        'PEM: use TLS with plugins over TCP, and trust this authority',
      ).env('MOORING_PLUGIN_CA_FILE'),
    )
    .addOption(
      new Option(
        '--plugin-cert-file <file>',
        'PEM: the certificate that this server shows to plugins over TCP',
      ).env('MOORING_PLUGIN_CERT_FILE'),
    )
    .addOption(
      new Option('--plugin-key-file <file>', 'PEM: the key of that certificate').env(
        'MOORING_PLUGIN_KEY_FILE',
      ),
    )
    .addOption(
      new Option('--probe-interval <duration>', 'time between two probes of a healthy plugin')
        .argParser(parseDurationOption)
        .default(30_000, '30s')
        .env('MOORING_PROBE_INTERVAL'),
    )
    .addOption(
      new Option(
        '--mount-root <folder>',
        'folder beneath which mooring mount may mount volumes; default: nowhere',
      ).env('MOORING_MOUNT_ROOT'),
    )
    .addOption(
      new Option(
        '--host-volumes-dir <folder>',
        'folder where dynamic host volumes are made; default: host_volumes in --data-dir',
      ).env('MOORING_HOST_VOLUMES_DIR'),
    )
    .addOption(
      new Option(
        '--host-volume-plugin-dir <folder>',
        'folder of executables that make host volumes; default: host_volume_plugins in --data-dir',
      ).env('MOORING_HOST_VOLUME_PLUGIN_DIR'),
    )
    .addOption(
      new Option(
        '--registration <how>',
        'answer to a definition that is there already: 409 (page), or 200 (nomad)',
      )
        .choices(['page', 'nomad'])
        .default('page')
        .env('MOORING_REGISTRATION'),
    )
    .addOption(metricsAddressOption())
  for (const option of [...logOptions(), ...guardOptions()]) command.addOption(option)
  command.addHelpText(
    'after',
    `
Examples:
  mooring server --plugin disks=unix:///run/csi/csi.sock
  mooring server --plugin disks=unix:///run/csi/csi.sock --http 10.0.0.5:4646 \\\\
    --acl-file acl.json --tls-cert cert.pem --tls-key key.pem
  mooring server backup /backup/volumes.sqlite`,
  )
  return command.action(async (flags: ServerFlags) => {
    const log = openLog(flags)
    const tls = tlsFilesOf(flags)
    const running = await openTogether(async (adopt) => {
      const telemetry = adopt(await startServerTelemetry(flags.metricsAddr, log))
      adopt(
        await startServer({
          http: flags.http,
          dataDirectory: flags.dataDir,
          registration: flags.registration,
          plugins: flags.plugin.map((plugin) => withTls(plugin, flags)),
          ...(flags.pluginDir !== undefined && { pluginDirectory: flags.pluginDir }),
          ...(flags.hostVolumesDir !== undefined && { hostVolumesDirectory: flags.hostVolumesDir }),
          ...(flags.hostVolumePluginDir !== undefined && {
            hostVolumePluginDirectory: flags.hostVolumePluginDir,
          }),
          clock: systemClock,
          log,
          probeIntervalMs: flags.probeInterval,
          ...(flags.mountRoot !== undefined && { mountRoot: flags.mountRoot }),
          allowedHosts: flags.allowedHost,
          ...(tls !== undefined && { tls }),
          limits: {
            bodyBytes: flags.maxBody,
            headerBytes: flags.maxHeaders,
            connectionsPerClient: flags.maxConnectionsPerClient,
            requestsInFlight: flags.maxRequests,
          },
          ...(flags.aclFile !== undefined && { aclFile: flags.aclFile }),
          ...(flags.keyFile !== undefined && { keyFile: flags.keyFile }),
          insecure: flags.insecure,
          aroundPluginCall: telemetry.aroundPluginCall,
        }),
      )
      telemetry.isReady()
      return {}
    })
    const signal = await waitForShutdown(systemClock)
    log.info({ signal }, 'server stopping')
    await running.close()
  })
}

/** Options of who may speak to the server, over TLS or not, and how much one client may take of it. */
const guardOptions = () => [
  ...tlsOptions(),
  new Option(
    '--allowed-host <name>',
    'another name that clients call this server by; may be given more than once',
  )
    .argParser(collectOption)
    .default([], 'the names of --http, of this machine and of the certificate')
    .env('MOORING_ALLOWED_HOST'),
  new Option('--max-body <bytes>', 'largest body of a request, in bytes')
    .argParser(parseCountOption)
    .default(defaultLimits.bodyBytes)
    .env('MOORING_MAX_BODY'),
  new Option('--max-headers <bytes>', 'largest headers of a request, in bytes')
    .argParser(parseCountOption)
    .default(defaultLimits.headerBytes)
    .env('MOORING_MAX_HEADERS'),
  new Option('--max-connections-per-client <count>', 'most connections that one address may hold')
    .argParser(parseCountOption)
    .default(defaultLimits.connectionsPerClient)
    .env('MOORING_MAX_CONNECTIONS_PER_CLIENT'),
  new Option('--max-requests <count>', 'most requests in flight, blocked queries included')
    .argParser(parseCountOption)
    .default(defaultLimits.requestsInFlight)
    .env('MOORING_MAX_REQUESTS'),
  aclFileOption(),
  new Option('--insecure', 'let the server listen beyond loopback without TLS or without an ACL')
    .default(false)
    .env('MOORING_INSECURE'),
]

/** Adds the TLS files to a plugin over TCP, where any are given. @throws UsageError where a file cannot be read */
function withTls(plugin: PluginConfig, flags: ServerFlags): PluginConfig {
  const read = (flag: string, file: string | undefined) => {
    if (file === undefined) return undefined
    try {
      return readFileSync(file, 'utf8')
    } catch (error) {
      throw new UsageError(`the file of ${flag} cannot be read: ${errorMessage(error)}`, { cause: error })
    }
  }
  const ca = read('--plugin-ca-file', flags.pluginCaFile)
  if (ca === undefined || !plugin.endpoint.startsWith('tcp://')) return plugin
  const cert = read('--plugin-cert-file', flags.pluginCertFile)
  const key = read('--plugin-key-file', flags.pluginKeyFile)
  return { ...plugin, tls: { ca, ...(cert !== undefined && { cert }), ...(key !== undefined && { key }) } }
}

/** One `ID=endpoint` a line. The environment and a config file may hold several. */
function collectPlugins(text: string, before: readonly PluginConfig[] = []): readonly PluginConfig[] {
  return collectOption(text).reduce((plugins, line) => collectPlugin(line, plugins), before)
}

/** Adds `ID=endpoint` to the plugins named before it. */
export function collectPlugin(text: string, before: readonly PluginConfig[]): readonly PluginConfig[] {
  const divider = text.indexOf('=')
  const plugin = { id: text.slice(0, divider), endpoint: text.slice(divider + 1) }
  if (divider <= 0 || !/^(unix:\/\/\/|tcp:\/\/)./.test(plugin.endpoint)) {
    throw new InvalidArgumentError('write ID=unix:///path/to.sock or ID=tcp://host:port.')
  }
  if (before.some(({ id }) => id === plugin.id)) {
    throw new InvalidArgumentError(`plugin "${plugin.id}" is given twice: leave one out.`)
  }
  return [...before, plugin]
}
