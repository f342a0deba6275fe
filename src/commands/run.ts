import { Command, Option } from 'commander'
import { openSqliteInventory } from '../inventory/sqlite-inventory.ts'
import { systemClock } from '../lib/clock.ts'
import { createLog, type Log } from '../lib/log.ts'
import { waitForShutdown } from '../lib/shutdown.ts'
import { defaultStateDirectory } from '../lib/state-directory.ts'
import { createNomadClient } from '../nomad/client.ts'
import { createObserver } from '../nomad/observer.ts'
import { createKeptSecrets } from '../secrets/kept-secrets.ts'
import { createSecretResolver } from '../secrets/resolve-secrets.ts'
import { type Operator, startOperator } from './operator.ts'
import { collectOption, type OperatorFlags, operatorOptions } from './options.ts'
import { openSources, sourceName } from './sources.ts'

/**
 * How long Nomad may go on with a call after its client is gone: two minutes for the plugin, and what the
 * request waits before (reference, 2).
 */
const callDeadlineMs = 150_000

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
    .addOption(
      new Option('--data-dir <folder>', "where the operator's inventory is")
        .default(defaultStateDirectory(process.env), '$XDG_STATE_HOME/mooring')
        .env('MOORING_DATA_DIR'),
    )
  for (const option of operatorOptions()) command.addOption(option)
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
}

/** Composes the operator from its flags. */
export async function runOperator(
  options: RunFlags & { readonly log: Log; readonly settledBeforeMs: number },
): Promise<Operator> {
  const { log } = options
  const clock = systemClock
  const inventory = openSqliteInventory(options.dataDir)
  const kept = createKeptSecrets(inventory.keyedHash)
  const opened = await openSources(options, {
    dataDirectory: options.dataDir,
    keepSecret: kept.keep,
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
      kept,
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
  })
  return {
    ...operator,
    async close() {
      await operator.close()
      await opened.close()
      await observer.close()
      await client.close()
      inventory.close()
    },
  }
}
