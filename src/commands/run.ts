import { Command } from 'commander'
import { serveAdmin } from '../admin/serve-admin.ts'
import { openSqliteInventory } from '../inventory/sqlite-inventory.ts'
import { systemClock } from '../lib/clock.ts'
import { createLog } from '../lib/log.ts'
import { waitForShutdown } from '../lib/shutdown.ts'
import type { PluginCallMetrics } from '../operations/plugin-calls.ts'
import {
  composeOperator,
  type OperatorSettings,
  type RunFlags,
  type RunningOperator,
  sourceNames,
} from './compose-operator.ts'
import { sourceOption } from './connect.ts'
import { assertSomeSource, type KubernetesFlags, kubernetesOptions } from './kubernetes.ts'
import { nomadConnectionOptions } from './nomad-connection.ts'
import { startOperations } from './operations.ts'
import { dataDirOption, operatorDirectory, operatorOptions, readOnlyOption } from './options.ts'
import { runReplica } from './replica.ts'
import { inventoryPlace, type SharedStateFlags, sharedStateOptions } from './shared-state.ts'

/** `mooring run`: the operator alone, against a Nomad that runs elsewhere. */
export function runCommand(): Command {
  const command = new Command('run')
    .summary('keep Nomad clusters as folders, Git repositories and custom resources declare it')
    .description(
      'Runs the operator: reads declarations from its sources, compares them with Nomad, and issues what is missing.',
    )
    .addOption(sourceOption())
    .addOption(dataDirOption())
  for (const option of [...nomadConnectionOptions(), ...operatorOptions()]) command.addOption(option)
  command.addOption(readOnlyOption())
  for (const option of [...sharedStateOptions(), ...kubernetesOptions()]) command.addOption(option)
  return command.action(async (given: RunFlags & SharedStateFlags & KubernetesFlags) => {
    const flags = { ...given, source: given.source ?? [] }
    assertSomeSource(flags)
    const run = inventoryPlace(flags) === 'file' ? runOperator : runReplica
    const shutdown = waitForShutdown(systemClock)
    const log = createLog(flags.logLevel)
    const running = await run({ ...flags, log, settledBeforeMs: 0 })
    log.info({ sources: sourceNames(flags), nomad: flags.nomadAddr }, 'mooring runs')
    const signal = await shutdown
    log.info({ signal }, 'finishing what is in process; once more to stop at once')
    await running.close()
  })
}

/** Composes the operator from its flags, and serves its admin API. */
export async function runOperator(
  options: OperatorSettings & { readonly pluginCalls?: PluginCallMetrics },
): Promise<RunningOperator> {
  const directory = operatorDirectory(options.dataDir)
  const kept = openSqliteInventory(directory)
  const { log, pluginCalls } = options
  const operations = await startOperations(options, {
    clock: systemClock,
    log,
    isReplica: false,
    ...(pluginCalls === undefined ? {} : { pluginCalls }),
  })
  const operator = await composeOperator(options, kept, undefined, undefined, operations)
  const socket = await serveAdmin({ directory, admin: operator.admin, log: options.log })
  return {
    ...operator,
    async close() {
      operator.letGo()
      await socket.close()
      await operator.close()
      await operations.close()
      kept.close()
    },
  }
}
