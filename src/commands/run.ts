import process from 'node:process'
import { Command } from 'commander'
import type { Admin } from '../admin/admin.ts'
import { serveAdmin } from '../admin/serve-admin.ts'
import { createMemoryInventory } from '../inventory/memory-inventory.ts'
import { openSqliteInventory } from '../inventory/sqlite-inventory.ts'
import { systemClock } from '../lib/clock.ts'
import { createLog, type Log } from '../lib/log.ts'
import { waitForShutdown } from '../lib/shutdown.ts'
import { packageVersion } from '../lib/version.ts'
import type { Decision } from '../plan/decision.ts'
import type { Key } from '../plan/identity.ts'
import { type NomadConnection, nomadConnectionOptions, openParts, sourceOption } from './connect.ts'
import { startOperations } from './operations.ts'
import { type Operator, startOperator } from './operator.ts'
import { createOperatorAdmin } from './operator-admin.ts'
import {
  dataDirOption,
  defaultRegion,
  type OperatorFlags,
  operatorDirectory,
  operatorOptions,
  pruneOptionsOf,
  readOnlyOption,
} from './options.ts'
import { sourceName } from './sources.ts'

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
    .addOption(sourceOption().makeOptionMandatory())
    .addOption(dataDirOption())
  for (const option of [...nomadConnectionOptions(), ...operatorOptions()]) command.addOption(option)
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

export interface RunFlags extends OperatorFlags, NomadConnection {
  readonly source: readonly string[]
  readonly dataDir: string
  readonly readOnly: boolean
}

/** An operator with the API that commands reach it by. */
export interface RunningOperator extends Operator {
  readonly admin: Admin
}

/** Composes the operator from its flags, and serves its admin API. */
export async function runOperator(
  options: RunFlags & { readonly log: Log; readonly settledBeforeMs: number },
): Promise<RunningOperator> {
  const { log, readOnly, nomadRegion } = options
  const clock = systemClock
  const directory = operatorDirectory(options.dataDir)
  const kept = openSqliteInventory(directory)
  const inventory = readOnly ? createMemoryInventory(kept.contents(), kept.keyedHash) : kept
  const operations = await startOperations(options, { inventory, clock, log })
  const {
    client,
    close: closeParts,
    ...parts
  } = await openParts({
    ...options,
    directory,
    keyedHash: inventory.keyedHash,
    aroundCall: operations.hooks.aroundCall,
  })
  const operator = startOperator({
    ...parts,
    ...operations.hooks,
    api: client,
    inventory,
    clock,
    random: Math.random,
    log,
    region: nomadRegion ?? defaultRegion,
    prune: pruneOptionsOf(options),
    rescanMs: options.rescan,
    resyncMs: options.resync,
    callDeadlineMs,
    settledBeforeMs: options.settledBeforeMs,
    ...(readOnly
      ? {
          onPlanned: (key: Key, { step, verdict }: Decision) =>
            log.info({ key, step, why: verdict.message }, 'would take a step'),
        }
      : {}),
  })
  const admin = createOperatorAdmin({
    operator,
    inventory,
    client,
    clock,
    info: {
      version: packageVersion(),
      processID: process.pid,
      sources: parts.sources.map(({ name }) => name),
      nomadAddr: options.nomadAddr,
      ...(nomadRegion === undefined ? {} : { nomadRegion }),
      readOnly,
    },
  })
  operations.observe(operator, admin.orphans)
  const socket = await serveAdmin({ directory, admin, log })
  return {
    ...operator,
    admin,
    async close() {
      admin.close()
      await socket.close()
      await operator.close()
      await operations.close()
      await closeParts()
      kept.close()
    },
  }
}
