import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { type Command, Option } from 'commander'
import type { OperatorInfo } from '../admin/admin.ts'
import { systemClock } from '../lib/clock.ts'
import { type Log, silentLog } from '../lib/log.ts'
import { createNomadClient, type NomadClient, type NomadClientOptions } from '../nomad/client.ts'
import { createObserver, type NomadObserver } from '../nomad/observer.ts'
import type { SecretResolver } from '../plan/ports.ts'
import { createKeptSecrets } from '../secrets/kept-secrets.ts'
import { createSecretResolver } from '../secrets/resolve-secrets.ts'
import type { Source } from '../sources/source.ts'
import { collectOption, type SourceFlags } from './options.ts'
import { openSources } from './sources.ts'

/** How a command that works on its own reaches Nomad. */
export interface NomadConnection {
  readonly nomadAddr: string
  readonly nomadToken?: string
  readonly nomadRegion?: string
}

export const nomadConnectionOptions = () => [
  new Option('--nomad-addr <url>', "address of Nomad's HTTP API")
    .default('http://127.0.0.1:4646')
    .env('NOMAD_ADDR'),
  new Option('--nomad-token <secret>', 'ACL token; give it by the environment').env('NOMAD_TOKEN'),
  new Option('--nomad-region <region>', 'region to speak to').env('NOMAD_REGION'),
]

export const sourceOption = () =>
  new Option(
    '--source <place>',
    'folder or file of declarations, or git+https://host/repository.git#branch:path; may be given more than once',
  )
    .argParser(collectOption)
    .env('MOORING_SOURCE')

export function connectNomad(
  { nomadAddr, nomadToken, nomadRegion }: NomadConnection,
  more: Pick<NomadClientOptions, 'aroundCall'> = {},
): NomadClient {
  return createNomadClient({
    address: nomadAddr,
    clock: systemClock,
    ...more,
    ...(nomadToken === undefined ? {} : { token: nomadToken }),
    ...(nomadRegion === undefined ? {} : { region: nomadRegion }),
  })
}

/** What passes work with, beside the inventory. */
export interface Parts {
  readonly client: NomadClient
  readonly observer: NomadObserver
  readonly sources: readonly Source[]
  readonly secrets: SecretResolver
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
      readonly log: Log
    } & Pick<NomadClientOptions, 'aroundCall'>,
): Promise<Parts> {
  const { log, secretsDir, directory } = options
  const kept = createKeptSecrets(options.keyedHash)
  const opened = await openSources(options, { dataDirectory: directory, keepSecret: kept.keep, log })
  if (opened.webhookURL !== undefined) log.info({ url: opened.webhookURL }, 'webhook listens')
  const { aroundCall } = options
  const client = connectNomad(options, aroundCall === undefined ? {} : { aroundCall })
  const observer = createObserver({ client, clock: systemClock, log, random: Math.random })
  return {
    client,
    observer,
    sources: opened.sources,
    secrets: createSecretResolver({
      environment: process.env,
      kept,
      ...(secretsDir === undefined ? {} : { secretsDirectory: secretsDir }),
    }),
    async close() {
      await opened.close()
      await observer.close()
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

/** Flags that were not given, as the operator that runs here has them: a person does not repeat them. */
export function fromOperator<Flags extends NomadConnection & { readonly source?: readonly string[] }>(
  command: Command,
  flags: Flags,
  info: OperatorInfo | undefined,
): Flags {
  if (info === undefined) return flags
  const isGiven = (name: string) => !['default', undefined].includes(command.getOptionValueSource(name))
  const { sources: source } = info
  return {
    ...flags,
    ...(isGiven('source') ? {} : { source }),
    ...(isGiven('nomadAddr') ? {} : { nomadAddr: info.nomadAddr }),
    ...(isGiven('nomadRegion') || info.nomadRegion === undefined ? {} : { nomadRegion: info.nomadRegion }),
  }
}
