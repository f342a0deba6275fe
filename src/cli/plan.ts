import { randomBytes } from 'node:crypto'
import process from 'node:process'
import { Command } from 'commander'
import { UsageError } from '../lib/errors.ts'
import type { NomadConnection } from '../nomad/connection.ts'
import type { OperatorInfo } from '../operator/admin/admin.ts'
import { connectAdmin } from '../operator/admin/admin-client.ts'
import { createKeyedHash } from '../operator/inventory/keyed-hash.ts'
import { emptyContents, type InventoryContents } from '../operator/inventory/memory-inventory.ts'
import { hasSqliteInventory, readHashKey } from '../operator/inventory/sqlite-inventory.ts'
import { kubernetesSourceName } from '../operator/kubernetes/object-view.ts'
import { openPartsOnce } from '../operator/open-parts.ts'
import { type Plan, planOnce } from '../operator/plan-once.ts'
import { defaultRegion, operatorDirectory } from '../operator/settings.ts'
import { withAdmin } from '../operator/with-admin.ts'
import { formatPlan } from './format-plan.ts'
import { fromOperator } from './from-operator.ts'
import { nomadConnectionOptions } from './nomad-options.ts'
import { type OperatorFlags, pruneOptionsOf, readClusterSettings } from './operator-settings.ts'
import { operatorOptions, sourceOption } from './options.ts'
import { outputOption, printJSON } from './output.ts'
import { dataDirOption } from './target.ts'

interface PlanFlags extends OperatorFlags, NomadConnection {
  readonly source?: readonly string[]
  readonly dataDir: string
  readonly output: 'text' | 'json'
}

/** `mooring plan`: what the operator would do now; does nothing of it. */
export function planCommand(): Command {
  const command = new Command('plan')
    .summary('show what would be done, and do nothing')
    .description(
      'Reads the declarations, Nomad and the inventory, and shows each step that the operator would take now, with\n' +
        'what it may mean for data. Writes nothing, neither to Nomad nor to the inventory. What comes after a step,\n' +
        'such as the snapshot of a volume that is still to be made, is shown as waiting.\n' +
        'Exit status: 0 everything is as declared, 2 something is not, 1 the plan is not whole (a mistake, no answer).',
    )
    .argument('[sources...]', 'folders or repositories; default: --source, else what the operator here reads')
    .addOption(sourceOption())
    .addOption(dataDirOption())
    .addOption(outputOption('text', 'json'))
  for (const option of [...nomadConnectionOptions(), ...operatorOptions()]) command.addOption(option)
  return command
    .addHelpText(
      'after',
      `
Examples:
  mooring plan volumes/
  mooring plan --prune                      with what no longer is declared
  mooring plan pull-request/ -o json        beside a running operator, for a check in CI`,
    )
    .action(async (given: readonly string[], flags: PlanFlags) => {
      const { info, contents, keyedHash } = await readInventory(flags.dataDir)
      const taken = fromOperator(command, flags, info)
      const source = given.length > 0 ? given : taken.source
      if (source === undefined && info?.sources.includes(kubernetesSourceName)) {
        throw new UsageError(
          'the operator here reads objects of Kubernetes, and plan reads files: name some, or run an operator with --kubernetes --read-only, whose status says what it would do',
        )
      }
      if (source === undefined) throw new UsageError('say which folder: mooring plan FOLDER, or --source')
      const parts = await openPartsOnce({ cluster: readClusterSettings({ ...taken, source }), keyedHash })
      let plan: Plan
      try {
        plan = await planOnce({
          parts,
          contents,
          keyedHash,
          prune: pruneOptionsOf(flags),
          region: taken.nomadRegion ?? defaultRegion,
        })
      } finally {
        await parts.close()
      }
      if (flags.output === 'json') printJSON(plan)
      else {
        const isColoured = process.stdout.isTTY && process.stdout.hasColors()
        process.stdout.write(`${formatPlan(plan, isColoured)}\n`)
        for (const problem of plan.problems) process.stderr.write(`${problem}\n`)
      }
      process.exitCode = statusOf(plan)
    })
}

function statusOf({ problems, steps, waiting, stalled }: Plan): number {
  if (problems.length > 0) return 1
  return steps.length + waiting.length + stalled.length > 0 ? 2 : 0
}

/** From the operator that runs here, else from what the last one left; empty where there never was one. */
export async function readInventory(dataDirectory: string): Promise<{
  readonly info?: OperatorInfo
  readonly contents: InventoryContents
  readonly keyedHash: (text: string) => string
}> {
  const directory = operatorDirectory(dataDirectory)
  const client = await connectAdmin(directory)
  await client?.close()
  if (client === undefined && !hasSqliteInventory(directory))
    return { contents: emptyContents, keyedHash: createKeyedHash(randomBytes(32)) }
  return withAdmin({ dataDir: dataDirectory }, async (open) => ({
    ...(open.running ? { info: open.info } : {}),
    contents: await open.admin.inventory(),
    keyedHash: createKeyedHash(
      open.running
        ? Buffer.from(await open.admin.hashKey(), 'base64')
        : (readHashKey(directory) ?? randomBytes(32)),
    ),
  }))
}
