import { InvalidArgumentError, Option } from 'commander'
import { parseDuration } from '../lib/duration.ts'
import { limitOptions } from '../operator/declare/source-limits.ts'
import { isVariableName } from '../operator/declare/variables.ts'
import { logOptions } from './log-options.ts'
import { defaultGitPollMs, type PluginEndpoint } from './operator-settings.ts'

/** Options that more than one command takes. Each has an environment variable. */

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

/** Reads `host:port`. An IPv6 address stands in brackets. */
export function parseAddressOption(text: string): { host: string; port: number } {
  const match = /^(?:\[(?<v6>[0-9a-fA-F:.]+)\]|(?<host>[^:[\]]+)):(?<port>\d{1,5})$/.exec(text)
  const host = match?.groups?.v6 ?? match?.groups?.host
  const port = Number(match?.groups?.port)
  if (host === undefined || port > 65_535) {
    throw new InvalidArgumentError('write host:port, such as 127.0.0.1:4646.')
  }
  return { host, port }
}

/** Collects the values of an option that may be given more than once. Its environment variable has one a line. */
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

/** Options of the variables in YAML declarations. */
export function variableOptions(): Option[] {
  return [
    new Option('--var <name=value>', 'a variable of YAML declarations; may be given more than once')
      .argParser(collectVariables)
      .env('MOORING_VAR'),
    new Option('--var-file <file>', 'file of such variables, one NAME=value a line').env('MOORING_VAR_FILE'),
  ]
}

/** Collects sockets of plugins that this process asks itself. The environment variable has one a line. */
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
      throw new InvalidArgumentError(`plugin "${id}" is given twice: leave one out.`)
    }
    endpoints.push({ id, endpoint })
  }
  return endpoints
}

export const csiEndpointOption = () =>
  new Option(
    '--csi-endpoint <id=endpoint>',
    "socket of a plugin's controller that this process asks itself, ID=unix:///path; may be given more than once",
  )
    .argParser(collectPluginSockets)
    .env('MOORING_CSI_ENDPOINT')

/** `--wait` and its time limit. @param does what is waited for */
export const waitOptions = (does: string) => [
  new Option('--wait', does).default(false),
  new Option('--timeout <duration>', 'with --wait: the longest time to wait')
    .argParser(parseDurationOption)
    .default(300_000, '5m'),
]

/** Options of what a source, or the objects of a Kubernetes namespace, may use. */
function limitOptionList(): Option[] {
  const option = (name: string, description: string, variable: string) =>
    new Option(`${name} <who=item,…>`, description).argParser(collectOption).env(variable)
  return [
    option(
      limitOptions.namespaces,
      'Nomad namespaces that a source may declare into, as SOURCE=apps,batch; "*" at the end of an item stands for any rest. A source that one of the --allow-… options names needs all four (default: a source may use everything)',
      'MOORING_ALLOW_NAMESPACES',
    ),
    option(limitOptions.plugins, 'plugins that a source may use, as SOURCE=ebs0', 'MOORING_ALLOW_PLUGINS'),
    option(
      limitOptions.externalIDs,
      'IDs and names of plugins that a source may name, as SOURCE=ebs0/vol-b-*; for objects of a Kubernetes namespace as team-b=ebs0/vol-b-*, beside what Mooring made for them (default: objects may name none)',
      'MOORING_ALLOW_EXTERNAL_IDS',
    ),
    option(
      limitOptions.secrets,
      'secrets that a source may refer to, as SOURCE=env:MOORING_SECRET_B_*,file:b/*',
      'MOORING_ALLOW_SECRETS',
    ),
  ]
}

/** Options of how a source is read, once or again and again. */
export function readingOptions(): Option[] {
  return [
    ...variableOptions(),
    new Option(
      '--git-allowed-signers <file>',
      'read only commits that an SSH key of this allowed_signers file signed',
    ).env('MOORING_GIT_ALLOWED_SIGNERS'),
    new Option('--git-keyring <file>', 'read only commits that an OpenPGP key of this file signed').env(
      'MOORING_GIT_KEYRING',
    ),
    ...limitOptionList(),
  ]
}

/** Options of how a running operator hears of changes in Git. */
function gitOptions(): Option[] {
  return [
    new Option('--git-poll <duration>', 'time between two looks at the Git repositories')
      .argParser(parseDurationOption)
      .default(defaultGitPollMs, '1m')
      .env('MOORING_GIT_POLL'),
    new Option('--webhook <host:port>', 'address to listen at for pushes that a Git host tells of')
      .argParser(parseAddressOption)
      .env('MOORING_WEBHOOK'),
    new Option(
      '--webhook-secret-file <file>',
      'file of the secret that the Git host signs its calls with',
    ).env('MOORING_WEBHOOK_SECRET_FILE'),
  ]
}

export const readOnlyOption = () =>
  new Option(
    '--read-only',
    'observe, plan and report, and write nothing, neither to Nomad nor to the inventory',
  )
    .default(false)
    .env('MOORING_READ_ONLY')

export const metricsAddressOption = () =>
  new Option(
    '--metrics-addr <host:port>',
    'address to serve /metrics, /healthz and /readyz at (default: none)',
  )
    .argParser(parseAddressOption)
    .env('MOORING_METRICS_ADDR')

/** Options of metrics and notifications. */
function telemetryOptions(): Option[] {
  return [
    metricsAddressOption(),
    new Option(
      '--notify-url <url>',
      'URL to POST a notification to when something is stalled or a snapshot was missed',
    ).env('MOORING_NOTIFY_URL'),
    new Option('--notify-secret-file <file>', 'file of the secret that notifications are signed with').env(
      'MOORING_NOTIFY_SECRET_FILE',
    ),
  ]
}

/** Options of what is planned for declarations. */
export function planningOptions(): Option[] {
  return [
    ...readingOptions(),
    new Option('--prune', 'end what is no longer declared, as its deletionPolicy says')
      .default(false)
      .env('MOORING_PRUNE'),
    new Option('--prune-delay <duration>', 'how long a declaration must be gone before its end begins')
      .argParser(parseDurationOption)
      .default(60_000, '1m')
      .env('MOORING_PRUNE_DELAY'),
    new Option(
      '--max-prune <count>',
      'most declarations that may be gone at once; where more are gone, nothing is deregistered or deleted (default: the larger of 1 and 10 %)',
    )
      .argParser(parseCountOption)
      .env('MOORING_MAX_PRUNE'),
    new Option('--allow-empty', 'let a source that is empty end everything that it declared before')
      .default(false)
      .env('MOORING_ALLOW_EMPTY'),
    new Option('--secrets-dir <folder>', 'folder beneath which the files of fromFile secrets are').env(
      'MOORING_SECRETS_DIR',
    ),
    csiEndpointOption(),
  ]
}

/** Options of a reconcile loop: planning, and how often it looks again. */
export function loopOptions(): Option[] {
  return [
    ...planningOptions(),
    new Option('--rescan <duration>', 'longest time between two readings of the sources')
      .argParser(parseDurationOption)
      .default(30_000, '30s')
      .env('MOORING_RESCAN'),
    new Option('--resync <duration>', 'longest time between two looks at a declaration')
      .argParser(parseDurationOption)
      .default(300_000, '5m')
      .env('MOORING_RESYNC'),
  ]
}

/** Options of an operator that goes on running. */
export function operatorOptions(): Option[] {
  return [...loopOptions(), ...gitOptions(), ...telemetryOptions(), ...logOptions()]
}

export const sourceOption = () =>
  new Option(
    '--source <place>',
    'folder or file of declarations, or git+https://host/repository.git#branch:path; may be given more than once',
  )
    .argParser(collectOption)
    .env('MOORING_SOURCE')
