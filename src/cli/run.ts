import { Command } from 'commander'
import { systemClock } from '../lib/clock.ts'
import { createLog } from '../lib/log.ts'
import { waitForShutdown } from '../lib/shutdown.ts'
import { serveAdmin } from '../operator/admin/serve-admin.ts'
import { openSqliteInventory } from '../operator/inventory/sqlite-inventory.ts'
import { assertSomeSource } from '../operator/kubernetes.ts'
import {
  composeOperator,
  type OperatorSettings,
  type RunFlags,
  type RunningOperator,
  sourceNames,
} from '../operator/operator.ts'
import { runReplica } from '../operator/replica.ts'
import { type KubernetesFlags, operatorDirectory, type SharedStateFlags } from '../operator/settings.ts'
import { inventoryPlace } from '../operator/shared-state.ts'
import { startOperations } from '../operator/telemetry.ts'
import type { PluginCallMetrics } from '../telemetry/plugin-calls.ts'
import { kubernetesOptions } from './kubernetes-options.ts'
import { nomadConnectionOptions } from './nomad-options.ts'
import { operatorOptions, readOnlyOption, sourceOption } from './options.ts'
import { sharedStateOptions } from './shared-state-options.ts'
import { dataDirOption } from './target.ts'

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
