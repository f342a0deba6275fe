import { join } from 'node:path'
import type { NomadConnection } from '../nomad/connection.ts'
import type { UISettings } from './admin/http/serve-ui.ts'
import type { AllowedIDs } from './declare/allowed-ids.ts'
import type { NamespaceMapping } from './declare/namespace-mapping.ts'
import type { PruneOptions } from './desired/prune.ts'
import { kubernetesSourceName } from './kubernetes/object-view.ts'
import type { LeadershipTimes } from './replicas/leadership.ts'
import { type SourceSettings, sourceName, type WebhookSettings } from './sources/open-sources.ts'
import type { TelemetrySettings } from './telemetry/telemetry.ts'

/** All that a person sets for an operator. The command checked the flags and read the files that they name. */
export interface OperatorSettings {
  /** Where the operator keeps its own files: the inventory or a lock, copies of Git repositories, its socket. */
  readonly directory: string
  /** It observes, plans and reports, and writes nothing. */
  readonly readOnly: boolean
  /** The Nomad cluster that it works for, and what it reads beside Kubernetes. */
  readonly own: ClusterSettings
  readonly loop: LoopSettings
  readonly inventory: InventorySettings
  /** undefined: objects of Kubernetes declare nothing here. */
  readonly kubernetes?: KubernetesSettings
  readonly telemetry: TelemetrySettings
  /** undefined: the dashboard is not served. */
  readonly ui?: UISettings
}

/** One Nomad cluster, and what is read for it alone. */
export interface ClusterSettings {
  /** Of a NomadCluster; undefined: the cluster of the operator's own settings. */
  readonly name?: string
  readonly nomad: NomadConnection
  readonly sources: SourceSettings
  readonly webhook?: WebhookSettings
  /** The sockets of plugins that this process reaches itself, by plugin ID. */
  readonly plugins: ReadonlyMap<string, string>
  /** undefined: objects may name no IDs of plugins. */
  readonly allowedIDs?: AllowedIDs
  /** undefined: no declaration may name a file. */
  readonly secretsDirectory?: string
}

export interface LoopSettings {
  readonly prune: PruneOptions
  /** Sources are read at least this often. */
  readonly rescanMs: number
  /** Every identity is looked at at least this often. */
  readonly resyncMs: number
}

export type InventorySettings =
  | { readonly place: 'file' }
  | {
      readonly place: 'nomad' | 'kubernetes'
      /** Which operator this is a replica of. */
      readonly instance: string
      readonly times: LeadershipTimes
    }

export interface KubernetesSettings {
  readonly kubeconfig?: string
  /** undefined: objects of all namespaces are read. */
  readonly namespaces?: readonly string[]
  /** Where the operator's own objects are; undefined: in the namespace that it runs in. */
  readonly operatorNamespace?: string
  readonly namespaceMapping: NamespaceMapping
}

/** Where beneath the operator's directory the copies of Git repositories are. */
export function gitDirectoryOf(directory: string): string {
  return join(directory, 'git')
}

/** The sources' names, as people see them. */
export function sourceNames({ own, kubernetes }: Pick<OperatorSettings, 'own' | 'kubernetes'>): string[] {
  return [...own.sources.places.map(sourceName), ...(kubernetes === undefined ? [] : [kubernetesSourceName])]
}
