import { Command } from 'commander'
import { serveAdmin } from '../admin/serve-admin.ts'
import { openSqliteInventory } from '../inventory/sqlite-inventory.ts'
import { systemClock } from '../lib/clock.ts'
import { createLog } from '../lib/log.ts'
import { waitForShutdown } from '../lib/shutdown.ts'
import {
  composeOperator,
  type OperatorSettings,
  type RunFlags,
  type RunningOperator,
} from './compose-operator.ts'
import { nomadConnectionOptions, sourceOption } from './connect.ts'
import { dataDirOption, operatorDirectory, operatorOptions, readOnlyOption } from './options.ts'
import { runReplica } from './replica.ts'
import { type SharedStateFlags, sharedStateOptions } from './shared-state.ts'
import { sourceName } from './sources.ts'

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
  for (const option of sharedStateOptions()) command.addOption(option)
  return command.action(async (flags: RunFlags & SharedStateFlags) => {
    const shutdown = waitForShutdown(systemClock)
    const log = createLog(flags.logLevel)
    const run = flags.inventory === 'file' ? runOperator : runReplica
    const running = await run({ ...flags, log, settledBeforeMs: 0 })
    log.info({ sources: flags.source.map(sourceName), nomad: flags.nomadAddr }, 'mooring runs')
    const signal = await shutdown
    log.info({ signal }, 'finishing what is in process; once more to stop at once')
    await running.close()
  })
}

/** Composes the operator from its flags, and serves its admin API. */
export async function runOperator(options: OperatorSettings): Promise<RunningOperator> {
  const directory = operatorDirectory(options.dataDir)
  const kept = openSqliteInventory(directory)
  const operator = await composeOperator(options, kept)
  const socket = await serveAdmin({ directory, admin: operator.admin, log: options.log })
  return {
    ...operator,
    async close() {
      operator.letGo()
      await socket.close()
      await operator.close()
      kept.close()
    },
  }
}
