import process from 'node:process'
import { Command } from 'commander'
import type { NomadConnection } from '../nomad/connection.ts'
import { operatorDirectory } from '../operator/operator-directory.ts'
import { type Plan, planCluster, sourcesToPlan } from '../operator/plan-once.ts'
import { readInventory } from '../operator/with-admin.ts'
import { exitStatus } from './exit-status.ts'
import { formatPlan } from './format-plan.ts'
import { fromOperator } from './from-operator.ts'
import { nomadConnectionOptions } from './nomad-options.ts'
import { type PlanningFlags, pruneOptionsOf, readClusterSettings } from './operator-settings.ts'
import { planningOptions, sourceOption } from './options.ts'
import { outputOption, printJSON } from './output.ts'
import { dataDirOption } from './target.ts'

interface PlanFlags extends PlanningFlags, NomadConnection {
  readonly source?: readonly string[]
  readonly dataDir: string
  readonly output: 'text' | 'json'
}

/** `mooring plan`: what the operator would do now. Does nothing of it. */
export function planCommand(): Command {
  const command = new Command('plan')
    .description(
      'Reads the declarations, Nomad and the inventory. Shows each step that the operator would take now, and what the ' +
        'step may mean for data. Writes nothing, neither to Nomad nor to the inventory. What has to wait for a step, such ' +
        'as the snapshot of a volume that is not made yet, is shown as waiting.\n' +
        'It ends with 0 where everything is as declared, with 3 where something is not, and with 1 where the plan is not whole.',
    )
    .argument('[sources...]', 'folders or repositories; default: --source, or what the operator here reads')
    .addOption(sourceOption())
    .addOption(dataDirOption())
    .addOption(outputOption('text', 'json'))
  for (const option of [...nomadConnectionOptions(), ...planningOptions()]) command.addOption(option)
  return command
    .addHelpText(
      'after',
      `
Examples:
  mooring plan volumes/
  mooring plan --prune                 also shows ends of what was removed
  mooring plan pull-request/ -o json   beside a running operator, in CI`,
    )
    .action(async (given: readonly string[], flags: PlanFlags) => {
      const inventory = await readInventory(flags.dataDir)
      const taken = fromOperator(command, flags, inventory.info)
      const source = sourcesToPlan(given.length > 0 ? given : taken.source, inventory.info)
      const cluster = readClusterSettings({ ...taken, source })
      const plan = await planCluster(
        cluster,
        pruneOptionsOf(flags),
        operatorDirectory(flags.dataDir),
        inventory,
      )
      if (flags.output === 'json') printJSON(plan)
      else {
        const isColoured = process.stdout.isTTY && process.stdout.hasColors()
        process.stdout.write(`${formatPlan(plan, isColoured)}\n`)
        for (const problem of plan.problems) process.stderr.write(`${problem}\n`)
      }
      process.exitCode = exitStatusOf(plan)
    })
}

function exitStatusOf({ problems, steps, waiting, stalled }: Plan): number {
  if (problems.length > 0) return exitStatus.failed
  return steps.length + waiting.length + stalled.length > 0 ? exitStatus.differences : exitStatus.done
}
