import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import type { DirectPlugins } from '../csi/direct-plugins.ts'
import { createDirectPlugins, type DirectPluginsOptions } from '../csi/direct-plugins.ts'
import { systemClock } from '../lib/clock.ts'
import { errorMessage } from '../lib/errors.ts'
import { type Log, silentLog } from '../lib/log.ts'
import type { NomadClient, NomadClientOptions } from '../nomad/client.ts'
import { connectNomad, defaultVariablesNamespace, type NomadConnection } from '../nomad/connection.ts'
import { createObserver, type NomadObserver } from '../nomad/observer.ts'
import { openSources } from './open-sources.ts'
import type { SecretResolver } from './plan/ports.ts'
import { createKeptSecrets } from './secrets/kept-secrets.ts'
import { createSecretResolver, variablesPrefix } from './secrets/resolve-secrets.ts'
import { createVariableSecrets } from './secrets/variable-secrets.ts'
import type { PluginEndpoint, SourceFlags } from './settings.ts'
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

export async function openParts(
  options: NomadConnection &
    SourceFlags & {
      readonly source: readonly string[]
      readonly secretsDir?: string
      /** Where copies of Git repositories are kept. */
      readonly directory: string
      /** The inventory's. */
      readonly keyedHash: (text: string) => string
      readonly readSecret?: (namespace: string, name: string, key: string) => Promise<string | undefined>
      readonly log: Log
      readonly csiEndpoint?: readonly PluginEndpoint[]
      readonly aroundPluginCall?: DirectPluginsOptions['aroundCall']
    } & Pick<NomadClientOptions, 'aroundCall'>,
): Promise<Parts> {
  const { log, secretsDir, directory } = options
  const kept = createKeptSecrets(options.keyedHash)
  const opened = await openSources(options, { dataDirectory: directory, keepSecret: kept.keep, log })
  if (opened.webhookURL !== undefined) log.info({ url: opened.webhookURL }, 'webhook listens')
  const client = connectNomad(options, {
    ...(options.aroundCall === undefined ? {} : { aroundCall: options.aroundCall }),
    onReloadError: (error) =>
      log.error({ error: errorMessage(error) }, 'Nomad is reached with what the file held before'),
  })
  const { csiEndpoint = [], aroundPluginCall } = options
  const plugins = createDirectPlugins({
    endpoints: new Map(csiEndpoint.map(({ id, endpoint }) => [id, endpoint])),
    clock: systemClock,
    log,
    ...(aroundPluginCall === undefined ? {} : { aroundCall: aroundPluginCall }),
  })
  const observer = createObserver({
    client: { ...client, ...plugins.listsBeside(client) },
    clock: systemClock,
    log,
    random: Math.random,
  })
  return {
    client,
    observer,
    sources: opened.sources,
    plugins,
    secrets: createSecretResolver({
      environment: process.env,
      kept,
      ...(options.readSecret === undefined ? {} : { readSecret: options.readSecret }),
      readVariable: createVariableSecrets(client, {
        namespace: options.variablesNamespace ?? defaultVariablesNamespace,
        prefix: variablesPrefix,
        clock: systemClock,
      }),
      ...(secretsDir === undefined ? {} : { secretsDirectory: secretsDir }),
    }),
    async close() {
      await opened.close()
      await observer.close()
      plugins.close()
      await client.close()
    },
  }
}

/** Parts for one look, which leave nothing behind: no webhook, and copies of repositories that are gone afterwards. */
export async function openPartsOnce(
  options: Omit<Parameters<typeof openParts>[0], 'directory' | 'log'>,
): Promise<Parts> {
  const { webhook: _, webhookSecretFile: __, ...once } = options
  const directory = mkdtempSync(join(tmpdir(), 'mooring-'))
  const remove = () => rmSync(directory, { recursive: true, force: true })
  try {
    const parts = await openParts({ ...once, directory, log: silentLog })
    return {
      ...parts,
      async close() {
        await parts.close()
        remove()
      },
    }
  } catch (error) {
    remove()
    throw error
  }
}
