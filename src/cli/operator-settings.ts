import { readFileSync } from 'node:fs'
import { parseEnv } from 'node:util'
import { errorMessage } from '../lib/errors.ts'
import type { NomadConnection } from '../nomad/connection.ts'
import type { NamespaceMapping } from '../operator/declare/namespace-mapping.ts'
import { isVariableName, type Variables } from '../operator/declare/variables.ts'
import type { PruneOptions } from '../operator/desired/prune.ts'
import { operatorDirectory } from '../operator/operator-directory.ts'
import type {
  ClusterSettings,
  InventorySettings,
  KubernetesSettings,
  OperatorSettings,
} from '../operator/settings.ts'
import { isGitAddress } from '../operator/sources/git-address.ts'
import { type SourceSettings, sourceName, type WebhookSettings } from '../operator/sources/open-sources.ts'
import type { TelemetrySettings } from '../operator/telemetry/telemetry.ts'
import { WrongUseError } from './exit-status.ts'
import type { LogFlags } from './log-options.ts'
import { readNomadConnection } from './nomad-options.ts'
import { type LimitFlags, readLimits } from './source-limits.ts'
import { readUISettings, type UIFlags } from './ui-settings.ts'

/** A CSI plugin by the ID that Nomad knows it by. */
export interface PluginEndpoint {
  readonly id: string
  readonly endpoint: string
}

interface Address {
  readonly host: string
  readonly port: number
}

/** Flags, by the names that commander gives them. Durations are in milliseconds. */
export interface VariableFlags {
  readonly var?: ReadonlyMap<string, string>
  readonly varFile?: string
}

/** Of how a source is read. */
export interface ReadingFlags extends VariableFlags, LimitFlags {
  readonly gitAllowedSigners?: string
  readonly gitKeyring?: string
}

/** Of how a running operator hears of changes in Git. */
export interface GitFlags {
  readonly gitPoll?: number
  readonly webhook?: Address
  readonly webhookSecretFile?: string
}

/** Time between two looks at Git repositories. */
export const defaultGitPollMs = 60_000

export interface TelemetryFlags {
  readonly metricsAddr?: Address
  readonly notifyUrl?: string
  readonly notifySecretFile?: string
}

/** Of what is planned for declarations. */
export interface PlanningFlags extends ReadingFlags {
  readonly csiEndpoint?: readonly PluginEndpoint[]
  readonly prune: boolean
  readonly pruneDelay: number
  readonly maxPrune?: number
  readonly allowEmpty: boolean
  readonly secretsDir?: string
}

/** Of a reconcile loop. */
export interface LoopFlags extends PlanningFlags {
  readonly rescan: number
  readonly resync: number
}

/** Of an operator that goes on running. */
export interface OperatorFlags extends LoopFlags, GitFlags, TelemetryFlags, LogFlags, UIFlags {}

export interface SharedStateFlags {
  readonly inventory?: 'file' | 'nomad' | 'kubernetes'
  readonly instance: string
  readonly leaseDuration: number
  readonly leaseRenewDeadline: number
  readonly leaseRetryPeriod: number
}

export interface KubernetesFlags {
  readonly kubernetes: boolean
  readonly kubeconfig?: string
  readonly kubernetesNamespace?: readonly string[]
  readonly kubernetesOperatorNamespace?: string
  readonly namespaceMapping?: NamespaceMapping
}

/** All that an operator has to know, for `mooring apply` as for `mooring run`. */
export interface RunFlags extends LoopFlags, GitFlags, TelemetryFlags, NomadConnection {
  readonly source: readonly string[]
  readonly dataDir: string
  readonly readOnly: boolean
}

/** @throws WrongUseError where flags do not go together, or a file that one names cannot be used */
export function readOperatorSettings(
  flags: RunFlags & UIFlags & Partial<SharedStateFlags & KubernetesFlags>,
): OperatorSettings {
  if (flags.source.length === 0 && !flags.kubernetes)
    throw new WrongUseError('nothing says where declarations are: give --source, or --kubernetes')
  const webhook = readWebhookSettings(flags)
  const ui = readUISettings(flags)
  return {
    directory: operatorDirectory(flags.dataDir),
    readOnly: flags.readOnly,
    own: {
      ...readClusterSettings(flags),
      ...(webhook === undefined ? {} : { webhook }),
    },
    loop: { prune: pruneOptionsOf(flags), rescanMs: flags.rescan, resyncMs: flags.resync },
    inventory: readInventorySettings(flags),
    ...(flags.kubernetes ? { kubernetes: readKubernetesSettings(flags) } : {}),
    telemetry: readTelemetrySettings(flags),
    ...(ui === undefined ? {} : { ui }),
  }
}

export function pruneOptionsOf({ prune, pruneDelay, maxPrune, allowEmpty }: PlanningFlags): PruneOptions {
  return { prune, pruneDelayMs: pruneDelay, allowEmpty, ...(maxPrune === undefined ? {} : { maxPrune }) }
}

/** Leaves out the webhook: only a running operator listens for one. @throws WrongUseError as readSourceSettings does */
export function readClusterSettings(
  flags: ReadingFlags &
    Pick<GitFlags, 'gitPoll'> &
    NomadConnection &
    Pick<RunFlags, 'source'> &
    Partial<Pick<PlanningFlags, 'csiEndpoint' | 'secretsDir'> & Pick<KubernetesFlags, 'kubernetes'>>,
): ClusterSettings {
  const { csiEndpoint = [], secretsDir } = flags
  const { limits, allowedIDs } = readLimits(flags)
  return {
    nomad: readNomadConnection(flags),
    sources: { ...readSourceSettings(flags), limits },
    allowedIDs,
    plugins: new Map(csiEndpoint.map(({ id, endpoint }) => [id, endpoint])),
    ...(secretsDir === undefined ? {} : { secretsDirectory: secretsDir }),
  }
}

/** @throws WrongUseError where a source is given twice, or the file of variables cannot be used */
function readSourceSettings(
  flags: ReadingFlags & Pick<GitFlags, 'gitPoll'> & { readonly source: readonly string[] },
): SourceSettings {
  const { source: places, gitPoll: gitPollMs = defaultGitPollMs, gitAllowedSigners, gitKeyring } = flags
  const names = places.map(sourceName)
  const repeated = names.find((name, index) => names.indexOf(name) !== index)
  if (repeated !== undefined) throw new WrongUseError(`${repeated} is given twice as a source: give it once`)
  return {
    places,
    variables: readVariables(flags),
    gitPollMs,
    ...(gitAllowedSigners === undefined ? {} : { allowedSignersFile: gitAllowedSigners }),
    ...(gitKeyring === undefined ? {} : { keyringFile: gitKeyring }),
  }
}

/** `--var` wins over `--var-file`. @throws WrongUseError where the file cannot be used */
export function readVariables({ var: given, varFile }: VariableFlags): Variables {
  if (varFile === undefined) return given ?? new Map()
  const fromFile = Object.entries(parseEnv(readNamedFile(varFile, '--var-file')))
  const wrong = fromFile.find(([name]) => !isVariableName(name))
  if (wrong !== undefined)
    throw new WrongUseError(
      `${varFile}: ${JSON.stringify(wrong[0])} is not a name of letters, digits and _: write one`,
    )
  return new Map([
    ...fromFile.map(([name, value]): [string, string] => [name, value ?? '']),
    ...(given ?? []),
  ])
}

function readWebhookSettings({
  webhook,
  webhookSecretFile: file,
  source,
}: RunFlags): WebhookSettings | undefined {
  if (webhook === undefined && file === undefined) return undefined
  if (webhook === undefined || file === undefined)
    throw new WrongUseError('--webhook and --webhook-secret-file go together: give both')
  if (!source.some(isGitAddress))
    throw new WrongUseError(
      '--webhook wakes Git repositories, and no source is one: leave --webhook out, or give a git+https:// source',
    )
  const secret = readNamedFile(file, '--webhook-secret-file').trim()
  if (secret === '') throw new WrongUseError(`${file} is empty: write the webhook's secret into it`)
  return { ...webhook, secret }
}

function readInventorySettings(flags: Partial<SharedStateFlags & KubernetesFlags>): InventorySettings {
  const { kubernetes = false, inventory: place = kubernetes ? 'kubernetes' : 'file' } = flags
  if (kubernetes && place === 'file')
    throw new WrongUseError('--kubernetes and --inventory file do not go together: leave one out')
  if (!kubernetes && place === 'kubernetes')
    throw new WrongUseError('--inventory kubernetes goes with --kubernetes: give both')
  if (place === 'file') return { place }
  const { instance = 'default', leaseDuration: leaseMs = 0 } = flags
  const { leaseRenewDeadline: renewDeadlineMs = 0, leaseRetryPeriod: retryMs = 0 } = flags
  if (retryMs <= 0 || retryMs >= renewDeadlineMs || renewDeadlineMs >= leaseMs) {
    throw new WrongUseError(
      'make --lease-retry-period shorter than --lease-renew-deadline, and that shorter than --lease-duration',
    )
  }
  return { place, instance, times: { leaseMs, renewDeadlineMs, retryMs } }
}

function readKubernetesSettings(flags: Partial<KubernetesFlags>): KubernetesSettings {
  const { kubeconfig, kubernetesNamespace: namespaces } = flags
  const { kubernetesOperatorNamespace: operatorNamespace, namespaceMapping = new Map() } = flags
  return {
    namespaceMapping,
    ...(kubeconfig === undefined ? {} : { kubeconfig }),
    ...(namespaces === undefined ? {} : { namespaces }),
    ...(operatorNamespace === undefined ? {} : { operatorNamespace }),
  }
}

/** @throws WrongUseError where flags do not go together, or the file of the secret cannot be used */
export function readTelemetrySettings(flags: TelemetryFlags): TelemetrySettings {
  const notify = readNotifySettings(flags)
  return {
    ...(flags.metricsAddr === undefined ? {} : { metricsAddress: flags.metricsAddr }),
    ...(notify === undefined ? {} : { notify }),
  }
}

function readNotifySettings({
  notifyUrl: url,
  notifySecretFile: file,
}: TelemetryFlags): TelemetrySettings['notify'] {
  if (url === undefined) {
    if (file === undefined) return undefined
    throw new WrongUseError(
      '--notify-secret-file signs what is sent to --notify-url, and no --notify-url is given: give both',
    )
  }
  // The message does not repeat the URL, which may hold a secret.
  if (!URL.canParse(url) || !/^https?:/.test(url))
    throw new WrongUseError(
      '--notify-url is not a URL that begins with http:// or https://: write one such as https://host/path',
    )
  if (file === undefined) return { url }
  const secret = readNamedFile(file, '--notify-secret-file').trim()
  if (secret === '') throw new WrongUseError(`${file} is empty: write the secret into it`)
  return { url, secret }
}

function readNamedFile(path: string, flag: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw new WrongUseError(`the file of ${flag} cannot be read: ${errorMessage(error)}`, { cause: error })
  }
}
