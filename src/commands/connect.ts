import process from 'node:process'
import { type Command, Option } from 'commander'
import type { OperatorInfo } from '../admin/admin.ts'
import { systemClock } from '../lib/clock.ts'
import type { Log } from '../lib/log.ts'
import { createNomadClient, type NomadClient } from '../nomad/client.ts'
import { createObserver, type NomadObserver } from '../nomad/observer.ts'
import type { SecretResolver } from '../plan/ports.ts'
import { createSecretResolver } from '../secrets/resolve-secrets.ts'
import { createFileSource } from '../sources/files.ts'
import type { Source } from '../sources/source.ts'

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
  new Option('--source <folder>', 'folder of declarations').env('MOORING_SOURCE')

export function connectNomad({ nomadAddr, nomadToken, nomadRegion }: NomadConnection): NomadClient {
  return createNomadClient({
    address: nomadAddr,
    clock: systemClock,
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

export function openParts(
  options: NomadConnection & { readonly source: string; readonly secretsDir?: string; readonly log: Log },
): Parts {
  const { log, secretsDir } = options
  const clock = systemClock
  const client = connectNomad(options)
  const observer = createObserver({ client, clock, log, random: Math.random })
  const source = createFileSource({ path: options.source, log, clock })
  return {
    client,
    observer,
    sources: [source],
    secrets: createSecretResolver({
      environment: process.env,
      ...(secretsDir === undefined ? {} : { secretsDirectory: secretsDir }),
    }),
    async close() {
      await source.close()
      await observer.close()
      await client.close()
    },
  }
}

/** Flags that were not given, as the operator that runs here has them: a person does not repeat them. */
export function fromOperator<Flags extends NomadConnection & { readonly source?: string }>(
  command: Command,
  flags: Flags,
  info: OperatorInfo | undefined,
): Flags {
  if (info === undefined) return flags
  const isGiven = (name: string) => !['default', undefined].includes(command.getOptionValueSource(name))
  const [source] = info.sources
  return {
    ...flags,
    ...(isGiven('source') || source === undefined ? {} : { source }),
    ...(isGiven('nomadAddr') ? {} : { nomadAddr: info.nomadAddr }),
    ...(isGiven('nomadRegion') || info.nomadRegion === undefined ? {} : { nomadRegion: info.nomadRegion }),
  }
}
