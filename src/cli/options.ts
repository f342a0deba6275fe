import { InvalidArgumentError, Option } from 'commander'
import { parseDuration } from '../lib/duration.ts'
import { logLevels } from '../lib/log.ts'
import { isVariableName } from '../operator/declare/variables.ts'
import type { PluginEndpoint } from './operator-settings.ts'

/** Options that more than one command takes; each has its environment variable. */

export function parseDurationOption(text: string): number {
  const durationMs = parseDuration(text)
  if (durationMs === undefined)
    throw new InvalidArgumentError('write a duration such as 500ms, 30s, 5m or 1h30m.')
  return durationMs
}

export function parseCountOption(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('write a whole number from 0 on.')
  return Number(text)
}

/** `host:port`, IPv6 in brackets. */
export function parseAddressOption(text: string): { host: string; port: number } {
  const match = /^(?:\[(?<v6>[0-9a-fA-F:.]+)\]|(?<host>[^:[\]]+)):(?<port>\d{1,5})$/.exec(text)
  const host = match?.groups?.v6 ?? match?.groups?.host
  const port = Number(match?.groups?.port)
  if (host === undefined || port > 65_535) {
    throw new InvalidArgumentError('write host:port, such as 127.0.0.1:4646.')
  }
  return { host, port }
}

/** Of an option that may be given more than once; its environment variable has one value a line. */
export function collectOption(text: string, before: readonly string[] = []): string[] {
  return [...before, ...text.split('\n').filter((line) => line !== '')]
}

function collectVariables(text: string, before: ReadonlyMap<string, string> = new Map()) {
  const variables = new Map(before)
  for (const line of collectOption(text)) {
    const equals = line.indexOf('=')
    const name = line.slice(0, Math.max(0, equals))
    if (!isVariableName(name))
      throw new InvalidArgumentError('write NAME=value, NAME of letters, digits and _.')
    variables.set(name, line.slice(equals + 1))
  }
  return variables
}

/** Values of variables in YAML declarations. */
export function variableOptions(): Option[] {
  return [
    new Option('--var <name=value>', 'value of a variable in YAML declarations; may be given more than once')
      .argParser(collectVariables)
      .env('MOORING_VAR'),
    new Option('--var-file <file>', 'file of such values, NAME=value a line').env('MOORING_VAR_FILE'),
  ]
}

/** Of sockets that this process reaches; a value of the environment has one a line. */
export function collectPluginSockets(
  text: string,
  before: readonly PluginEndpoint[] = [],
): readonly PluginEndpoint[] {
  const endpoints = [...before]
  for (const line of collectOption(text)) {
    const divider = line.indexOf('=')
    const [id, endpoint] = [line.slice(0, Math.max(0, divider)), line.slice(divider + 1)]
    if (id === '' || !/^unix:\/\/\/./.test(endpoint)) {
      throw new InvalidArgumentError('write ID=unix:///path/to.sock.')
    }
    if (endpoints.some((each) => each.id === id)) {
      throw new InvalidArgumentError(`plugin "${id}" is given twice.`)
    }
    endpoints.push({ id, endpoint })
  }
  return endpoints
}

export const csiEndpointOption = () =>
  new Option(
    '--csi-endpoint <id=endpoint>',
    "the socket of a plugin's controller that this process reaches itself, ID=unix:///path; may be given more than once",
  )
    .argParser(collectPluginSockets)
    .env('MOORING_CSI_ENDPOINT')

/** Options of how sources are read. */
export function sourceOptions(): Option[] {
  return [
    ...variableOptions(),
    new Option('--git-poll <duration>', 'look at Git repositories this often')
      .argParser(parseDurationOption)
      .default(60_000, '1m')
      .env('MOORING_GIT_POLL'),
    new Option(
      '--git-allowed-signers <file>',
      'read only commits signed by an SSH key in this allowed_signers file',
    ).env('MOORING_GIT_ALLOWED_SIGNERS'),
    new Option(
      '--git-keyring <file>',
      'read only commits signed by an OpenPGP key exported to this file',
    ).env('MOORING_GIT_KEYRING'),
    new Option('--webhook <host:port>', 'listen there for the word of a Git host that something was pushed')
      .argParser(parseAddressOption)
      .env('MOORING_WEBHOOK'),
    new Option('--webhook-secret-file <file>', 'the secret that the Git host signs its calls with').env(
      'MOORING_WEBHOOK_SECRET_FILE',
    ),
  ]
}

export const logLevelOption = () =>
  new Option('--log-level <level>', 'least level that is logged')
    .choices(logLevels)
    .default('info')
    .env('MOORING_LOG_LEVEL')

export const readOnlyOption = () =>
  new Option('--read-only', 'observe, plan and report; write nothing, neither to Nomad nor to the inventory')
    .default(false)
    .env('MOORING_READ_ONLY')

export const metricsAddressOption = () =>
  new Option('--metrics-addr <host:port>', 'serve /metrics, /healthz and /readyz there (default: nowhere)')
    .argParser(parseAddressOption)
    .env('MOORING_METRICS_ADDR')

/** Options of metrics and notifications. */
function telemetryOptions(): Option[] {
  return [
    metricsAddressOption(),
    new Option(
      '--notify-url <url>',
      'POST a notification there when something is stalled or a snapshot was missed',
    ).env('MOORING_NOTIFY_URL'),
    new Option('--notify-secret-file <file>', 'the secret that notifications are signed with').env(
      'MOORING_NOTIFY_SECRET_FILE',
    ),
  ]
}

/** Options of the reconcile loop. */
export function operatorOptions(): Option[] {
  return [
    ...sourceOptions(),
    new Option('--prune', 'end what is no longer declared, by its deletionPolicy')
      .default(false)
      .env('MOORING_PRUNE'),
    new Option('--prune-delay <duration>', 'how long a declaration must stay gone before it ends')
      .argParser(parseDurationOption)
      .default(60_000, '1m')
      .env('MOORING_PRUNE_DELAY'),
    new Option(
      '--max-prune <count>',
      'how many may be gone at once; beyond it nothing is deregistered or deleted (default: the larger of 1 and 10 %)',
    )
      .argParser(parseCountOption)
      .env('MOORING_MAX_PRUNE'),
    new Option('--allow-empty', 'let a source that declares nothing end what it declared last')
      .default(false)
      .env('MOORING_ALLOW_EMPTY'),
    new Option('--secrets-dir <folder>', 'the folder that fromFile secrets are beneath').env(
      'MOORING_SECRETS_DIR',
    ),
    new Option('--rescan <duration>', 'read the sources at least this often, whatever their watches say')
      .argParser(parseDurationOption)
      .default(30_000, '30s')
      .env('MOORING_RESCAN'),
    new Option('--resync <duration>', 'look at every declaration at least this often')
      .argParser(parseDurationOption)
      .default(300_000, '5m')
      .env('MOORING_RESYNC'),
    csiEndpointOption(),
    ...telemetryOptions(),
    logLevelOption(),
  ]
}

export const sourceOption = () =>
  new Option(
    '--source <place>',
    'folder or file of declarations, or git+https://host/repository.git#branch:path; may be given more than once',
  )
    .argParser(collectOption)
    .env('MOORING_SOURCE')
