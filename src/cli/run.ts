import { Command } from 'commander'
import { systemClock } from '../lib/clock.ts'
import { waitForShutdown } from '../lib/shutdown.ts'
import { runOperator } from '../operator/operator.ts'
import { sourceNames } from '../operator/settings.ts'
import { kubernetesOptions } from './kubernetes-options.ts'
import { type LogFlags, openLog } from './log-options.ts'
import { nomadConnectionOptions } from './nomad-options.ts'
import {
  type KubernetesFlags,
  type RunFlags,
  readOperatorSettings,
  type SharedStateFlags,
} from './operator-settings.ts'
import { operatorOptions, readOnlyOption, sourceOption } from './options.ts'
import { sharedStateOptions } from './shared-state-options.ts'
import { dataDirOption } from './target.ts'
import { uiOptions } from './ui-options.ts'
import type { UIFlags } from './ui-settings.ts'

/** `mooring run`: the operator alone, against a Nomad that runs elsewhere. */
export function runCommand(): Command {
  const command = new Command('run')
    .description(
      'Runs the operator. It reads declarations from its sources, compares them with Nomad, and makes the calls that ' +
        'are missing. A first signal lets it finish what is in process; a second one ends it at once.',
    )
    .addOption(sourceOption())
    .addOption(dataDirOption())
  for (const option of [...nomadConnectionOptions(), ...operatorOptions()]) command.addOption(option)
  for (const option of [readOnlyOption(), ...uiOptions()]) command.addOption(option)
  for (const option of [...sharedStateOptions(), ...kubernetesOptions()]) command.addOption(option)
  return command
    .addHelpText(
      'after',
      `
Examples:
  mooring run --source volumes/ --nomad-addr http://127.0.0.1:4646
  mooring run --source git+https://host/repository.git#main:volumes --prune
  mooring run --source volumes/ --read-only`,
    )
    .action(async (flags: RunFlags & LogFlags & UIFlags & SharedStateFlags & KubernetesFlags) => {
      const settings = readOperatorSettings({ ...flags, source: flags.source ?? [] })
      const shutdown = waitForShutdown(systemClock)
      const log = openLog(flags)
      const running = await runOperator(settings, { log })
      log.info({ sources: sourceNames(settings), nomad: flags.nomadAddr }, 'mooring runs')
      const signal = await shutdown
      log.info({ signal }, 'finishing what is in process; a second signal stops it at once')
      await running.close()
    })
}
