import { join, resolve } from 'node:path'
import type { logLevels } from '../lib/log.ts'
import type { NamespaceMapping } from './declare/namespace-mapping.ts'
import type { PruneOptions } from './desired/prune.ts'

/** A CSI plugin by the ID that Nomad has it under. */
export interface PluginEndpoint {
  readonly id: string
  readonly endpoint: string
}

export interface VariableFlags {
  readonly var?: ReadonlyMap<string, string>
  readonly varFile?: string
}

export interface SourceFlags extends VariableFlags {
  /** Milliseconds. */
  readonly gitPoll: number
  readonly gitAllowedSigners?: string
  readonly gitKeyring?: string
  readonly webhook?: { readonly host: string; readonly port: number }
  readonly webhookSecretFile?: string
}

/** Where beneath a data directory the operator keeps its inventory, its lock and its admin socket. */
export function operatorDirectory(dataDirectory: string): string {
  return join(resolve(dataDirectory), 'operator')
}

export interface OperationsFlags {
  readonly metricsAddr?: { readonly host: string; readonly port: number }
  readonly notifyUrl?: string
  readonly notifySecretFile?: string
}

export interface OperatorFlags extends SourceFlags, OperationsFlags {
  readonly csiEndpoint?: readonly PluginEndpoint[]
  readonly prune: boolean
  /** Milliseconds. */
  readonly pruneDelay: number
  readonly maxPrune?: number
  readonly allowEmpty: boolean
  readonly secretsDir?: string
  /** Milliseconds. */
  readonly rescan: number
  /** Milliseconds. */
  readonly resync: number
  readonly logLevel: (typeof logLevels)[number]
}

/** Nomad's own name of the region where none is configured; part of the names that are chosen. */
export const defaultRegion = 'global'

export function pruneOptionsOf({ prune, pruneDelay, maxPrune, allowEmpty }: OperatorFlags): PruneOptions {
  return { prune, pruneDelayMs: pruneDelay, allowEmpty, ...(maxPrune === undefined ? {} : { maxPrune }) }
}

export interface SharedStateFlags {
  readonly inventory?: 'file' | 'nomad' | 'kubernetes'
  readonly instance: string
  /** Milliseconds. */
  readonly leaseDuration: number
  /** Milliseconds. */
  readonly leaseRenewDeadline: number
  /** Milliseconds. */
  readonly leaseRetryPeriod: number
}

export interface KubernetesFlags {
  readonly kubernetes: boolean
  readonly kubeconfig?: string
  readonly kubernetesNamespace?: readonly string[]
  readonly kubernetesOperatorNamespace?: string
  readonly namespaceMapping?: NamespaceMapping
}
