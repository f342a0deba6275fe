import process from 'node:process'
import { Command, Option } from 'commander'
import { serveAdmin } from '../admin/serve-admin.ts'
import { createMemoryInventory } from '../inventory/memory-inventory.ts'
import { openSqliteInventory } from '../inventory/sqlite-inventory.ts'
import { systemClock } from '../lib/clock.ts'
import { createLog, type Log } from '../lib/log.ts'
import { waitForShutdown } from '../lib/shutdown.ts'
import { packageVersion } from '../lib/version.ts'
import { createNomadClient } from '../nomad/client.ts'
import { createObserver } from '../nomad/observer.ts'
import type { Decision } from '../plan/decision.ts'
import type { Key } from '../plan/identity.ts'
import { createKeptSecrets } from '../secrets/kept-secrets.ts'
import { createSecretResolver } from '../secrets/resolve-secrets.ts'
import { type Operator, startOperator } from './operator.ts'
import { createOperatorAdmin } from './operator-admin.ts'
import {
  collectOption,
  dataDirOption,
  type OperatorFlags,
  operatorDirectory,
  operatorOptions,
  readOnlyOption,
} from './options.ts'
import { openSources, sourceName } from './sources.ts'

/**
 * How long after it was sent a call may still be running in Nomad: the client waits 150 s for the answer,
 * and a call that stood in a queue until then has the plugin's two minutes before it (reference, 2).
 */
const callDeadlineMs = 270_000

/** `mooring run`: the operator alone, against a Nomad that runs elsewhere. */
export function runCommand(): Command {
  const command = new Command('run')
    .summary('keep a Nomad cluster as folders and Git repositories declare it')
    .description(
      'Runs the operator: reads declarations from its sources, compares them with Nomad, and issues what is missing.',
    )
    .addOption(
      new Option(
        '--source <place>',
        'folder or file of declarations, or git+https://host/repository.git#branch:path; may be given more than once',
      )
        .argParser(collectOption)
        .makeOptionMandatory()
        .env('MOORING_SOURCE'),
    )
    .addOption(
      new Option('--nomad-addr <url>', "address of Nomad's HTTP API")
        .default('http://127.0.0.1:4646')
        .env('NOMAD_ADDR'),
    )
    .addOption(
      new Option('--nomad-token <secret>', 'ACL token; give it by the environment').env('NOMAD_TOKEN'),
    )
    .addOption(new Option('--nomad-region <region>', 'region to speak to').env('NOMAD_REGION'))
    .addOption(dataDirOption())
  for (const option of operatorOptions()) command.addOption(option)
  command.addOption(readOnlyOption())
  return command.action(async (flags: RunFlags) => {
    const shutdown = waitForShutdown(systemClock)
    const log = createLog(flags.logLevel)
    const running = await runOperator({ ...flags, log, settledBeforeMs: 0 })
    log.info({ sources: flags.source.map(sourceName), nomad: flags.nomadAddr }, 'mooring runs')
    const signal = await shutdown
    log.info({ signal }, 'finishing what is in process; once more to stop at once')
    await running.close()
  })
}

interface RunFlags extends OperatorFlags {
  readonly source: readonly string[]
  readonly nomadAddr: string
  readonly nomadToken?: string
  readonly nomadRegion?: string
  readonly dataDir: string
  readonly readOnly: boolean
}

/** Composes the operator from its flags, and serves its admin API. */
export async function runOperator(
  options: RunFlags & { readonly log: Log; readonly settledBeforeMs: number },
): Promise<Operator> {
  const { log } = options
  const clock = systemClock
  const directory = operatorDirectory(options.dataDir)
  const kept = openSqliteInventory(directory)
  const inventory = options.readOnly ? createMemoryInventory(kept.contents(), kept.keyedHash) : kept
  const keptSecrets = createKeptSecrets(inventory.keyedHash)
  const opened = await openSources(options, {
    dataDirectory: directory,
    keepSecret: keptSecrets.keep,
    log,
  })
  if (opened.webhookURL !== undefined) log.info({ url: opened.webhookURL }, 'webhook listens')
  const client = createNomadClient({
    address: options.nomadAddr,
    clock,
    ...(options.nomadToken === undefined ? {} : { token: options.nomadToken }),
    ...(options.nomadRegion === undefined ? {} : { region: options.nomadRegion }),
  })
  const observer = createObserver({ client, clock, log, random: Math.random })
  const operator = startOperator({
    sources: opened.sources,
    api: client,
    observer,
    inventory,
    secrets: createSecretResolver({
      environment: process.env,
      kept: keptSecrets,
      ...(options.secretsDir === undefined ? {} : { secretsDirectory: options.secretsDir }),
    }),
    clock,
    random: Math.random,
    log,
    region: options.nomadRegion ?? 'global',
    prune: {
      prune: options.prune,
      pruneDelayMs: options.pruneDelay,
      allowEmpty: options.allowEmpty,
      ...(options.maxPrune === undefined ? {} : { maxPrune: options.maxPrune }),
    },
    rescanMs: options.rescan,
    resyncMs: options.resync,
    callDeadlineMs,
    settledBeforeMs: options.settledBeforeMs,
    ...(options.readOnly
      ? {
          onPlanned: (key: Key, { step, verdict }: Decision) =>
            log.info({ key, step, why: verdict.message }, 'would take a step'),
        }
      : {}),
  })
  const admin = await serveAdmin({
    directory,
    admin: createOperatorAdmin({
      operator,
      inventory,
      client,
      clock,
      info: {
        version: packageVersion(),
        processID: process.pid,
        sources: options.source.map(sourceName),
        nomadAddr: options.nomadAddr,
        ...(options.nomadRegion === undefined ? {} : { nomadRegion: options.nomadRegion }),
        readOnly: options.readOnly,
      },
    }),
    log,
  })
  return {
    ...operator,
    async close() {
      await admin.close()
      await operator.close()
      await opened.close()
      await observer.close()
      await client.close()
      kept.close()
    },
  }
}
