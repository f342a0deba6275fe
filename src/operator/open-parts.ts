import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { createDirectPlugins, type DirectPlugins, type DirectPluginsOptions } from '../csi/direct-plugins.ts'
import { systemClock } from '../lib/clock.ts'
import { errorMessage } from '../lib/errors.ts'
import { type Log, silentLog } from '../lib/log.ts'
import { openTogether } from '../lib/open-together.ts'
import type { NomadClient, NomadClientOptions } from '../nomad/client.ts'
import { connectNomad, defaultVariablesNamespace } from '../nomad/connection.ts'
import { createObserver, type NomadObserver } from '../nomad/observer.ts'
import type { SecretResolver } from './plan/ports.ts'
import { createSecretResolver, variablesPrefix } from './secrets/resolve-secrets.ts'
import { createSpecificationSecrets } from './secrets/specification-secrets.ts'
import { createVariableSecrets } from './secrets/variable-secrets.ts'
import type { ClusterSettings } from './settings.ts'
import { openSources } from './sources/open-sources.ts'
import type { Source } from './sources/source.ts'

/** What passes work with, beside the inventory. */
export interface Parts {
  readonly client: NomadClient
  readonly observer: NomadObserver
  readonly sources: readonly Source[]
  readonly secrets: SecretResolver
  readonly plugins: DirectPlugins
  close(): Promise<void>
}

export interface PartsOptions {
  readonly cluster: ClusterSettings
  /** Where the copies of Git repositories are kept. */
  readonly gitDirectory: string
  /** Where an operator keeps them, beside which this one only looks. */
  readonly earlierGitDirectory?: string
  /** The inventory's. */
  readonly keyedHash: (text: string) => string
  /** Of Kubernetes; undefined: there is none. */
  readonly readSecret?: (namespace: string, name: string, key: string) => Promise<string | undefined>
  readonly log: Log
  readonly aroundCall?: NonNullable<NomadClientOptions['aroundCall']>
  readonly aroundPluginCall?: NonNullable<DirectPluginsOptions['aroundCall']>
}

/** @throws UsageError where a setting, a file or the address of the webhook cannot be used */
export function openParts(options: PartsOptions): Promise<Parts> {
  const { cluster, gitDirectory, earlierGitDirectory, readSecret, log, aroundCall, aroundPluginCall } =
    options
  const { nomad, webhook, secretsDirectory } = cluster
  const clock = systemClock
  return openTogether(async (adopt) => {
    const specificationSecrets = createSpecificationSecrets(options.keyedHash)
    const { sources } = adopt(
      await openSources({
        settings: cluster.sources,
        ...(webhook === undefined ? {} : { webhook }),
        gitDirectory,
        ...(earlierGitDirectory === undefined ? {} : { earlierGitDirectory }),
        storeSecret: specificationSecrets.store,
        clock,
        log,
      }),
    )
    const client = adopt(
      connectNomad(nomad, {
        ...(aroundCall === undefined ? {} : { aroundCall }),
        onReloadError: (error) =>
          log.error({ error: errorMessage(error) }, 'Nomad is reached with what the file held before'),
      }),
    )
    const plugins = adopt(
      createDirectPlugins({
        endpoints: cluster.plugins,
        clock,
        log,
        ...(aroundPluginCall === undefined ? {} : { aroundCall: aroundPluginCall }),
      }),
    )
    const observer = adopt(
      createObserver({
        client: { ...client, ...plugins.listsBeside(client) },
        clock,
        log,
        random: Math.random,
      }),
    )
    const secrets = createSecretResolver({
      environment: process.env,
      specificationSecrets,
      ...(readSecret === undefined ? {} : { readSecret }),
      readVariable: createVariableSecrets(client, {
        namespace: nomad.variablesNamespace ?? defaultVariablesNamespace,
        prefix: variablesPrefix,
        clock,
      }),
      ...(secretsDirectory === undefined ? {} : { secretsDirectory }),
    })
    return { client, observer, sources, secrets, plugins }
  })
}

/** Parts for one look, which leave nothing behind: the copies of repositories are gone afterwards. */
export function openPartsOnce(options: Omit<PartsOptions, 'gitDirectory' | 'log'>): Promise<Parts> {
  return openTogether(async (adopt) => {
    const gitDirectory = mkdtempSync(join(tmpdir(), 'mooring-'))
    adopt({ close: () => rmSync(gitDirectory, { recursive: true, force: true }) })
    return adopt(await openParts({ ...options, gitDirectory, log: silentLog }))
  })
}
