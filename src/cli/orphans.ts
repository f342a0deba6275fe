import process from 'node:process'
import { Command } from 'commander'
import { UsageError } from '../lib/errors.ts'
import type { NomadConnection } from '../nomad/connection.ts'
import { connectAdmin } from '../operator/admin/admin-client.ts'
import { findOrphans } from '../operator/admin/find-orphans.ts'
import { formatPlace } from '../operator/declare/declaration.ts'
import { formatQuantity } from '../operator/declare/quantities.ts'
import { createMemoryInventory } from '../operator/inventory/memory-inventory.ts'
import { openPartsOnce } from '../operator/open-parts.ts'
import type { Orphans } from '../operator/plan/orphans.ts'
import type { Released } from '../operator/plan/record.ts'
import { operatorDirectory } from '../operator/settings.ts'
import { nomadConnectionOptions } from './nomad-options.ts'
import { readClusterSettings, type SourceFlags } from './operator-settings.ts'
import { sourceOption, sourceOptions } from './options.ts'
import { outputOption, printJSON } from './output.ts'
import { readInventory } from './plan.ts'
import { clusterOption, dataDirOption } from './target.ts'

interface OrphansFlags extends NomadConnection, SourceFlags {
  readonly source?: readonly string[]
  readonly dataDir: string
  readonly cluster?: string
  readonly output: 'text' | 'json'
}

/** `mooring orphans`: what nothing declares, three ways. */
export function orphansCommand(): Command {
  const command = new Command('orphans')
    .summary('list what nothing declares: in storage, in Nomad, and of what was declared once')
    .description(
      'Lists volumes and snapshots that are in storage and not in Nomad, volumes that are in Nomad and not declared,\n' +
        'and what was declared once and has not ended. Never deletes anything. Where an operator runs on the data\n' +
        'directory it looks; elsewhere this command does, with --source and --nomad-addr.\n' +
        'Exit status: 0 everything could be looked into, 1 something could not, which is said.',
    )
    .addOption(sourceOption())
    .addOption(clusterOption())
    .addOption(dataDirOption())
    .addOption(outputOption('text', 'json'))
  for (const option of [...nomadConnectionOptions(), ...sourceOptions()]) command.addOption(option)
  return command
    .addHelpText(
      'after',
      `
Examples:
  mooring orphans
  mooring orphans -o json | jq -r '.inStorage[].externalID'`,
    )
    .action(async (flags: OrphansFlags) => {
      const orphans = await look(flags)
      if (flags.output === 'json') printJSON(orphans)
      else {
        process.stdout.write(`${formatOrphans(orphans)}\n`)
        for (const unknown of orphans.unknown) process.stderr.write(`not known: ${unknown}\n`)
      }
      process.exitCode = orphans.unknown.length > 0 ? 1 : 0
    })
}

async function look(flags: OrphansFlags): Promise<Orphans> {
  const running = await connectAdmin(operatorDirectory(flags.dataDir), flags.cluster)
  if (running !== undefined) {
    try {
      return await running.orphans()
    } finally {
      await running.close()
    }
  }
  const { source, cluster } = flags
  if (cluster !== undefined)
    throw new UsageError('no operator runs here, and only one that does knows of clusters')
  if (source === undefined) {
    throw new UsageError('no operator runs here, so say what is declared: --source FOLDER')
  }
  const { contents, keyedHash } = await readInventory(flags.dataDir)
  const parts = await openPartsOnce({ cluster: readClusterSettings({ ...flags, source }), keyedHash })
  try {
    const readings = await Promise.all(parts.sources.map((each) => each.read()))
    const [problem] = readings.flatMap(({ problems }) => problems)
    if (problem !== undefined) {
      throw new UsageError(
        `${formatPlace(problem.place)}: ${problem.message}: what is declared is not known before every file can be read`,
      )
    }
    const declarations = readings.flatMap((reading) => reading.declarations)
    const records = createMemoryInventory(contents, () => '').list()
    return await findOrphans({
      client: parts.client,
      managed: () => ({ records, released: contents.released, declarations }),
    })
  } finally {
    await parts.close()
  }
}

function formatOrphans({ inStorage, inNomad, undeclared }: Orphans): string {
  return [
    ...section(
      'In storage, and not in Nomad:',
      inStorage.map(
        ({ kind, pluginID, externalID, sizeBytes, released }) =>
          `${kind} ${externalID}  plugin ${pluginID}${BigInt(sizeBytes) === 0n ? '' : `  ${formatQuantity(BigInt(sizeBytes))}`}${noteOf(released)}`,
      ),
    ),
    ...section(
      'In Nomad, and not declared:',
      inNomad.map(
        ({ namespace, volumeID, pluginID, externalID, released }) =>
          `Volume ${namespace}/${volumeID}  plugin ${pluginID}  ${externalID}${noteOf(released)}`,
      ),
    ),
    ...section(
      'Declared once, and not ended:',
      undeclared.flatMap(({ key, externalID, unsettledName, reason, message }) => [
        `${key}${externalID === undefined ? '' : `  ${externalID}`}  (${reason})`,
        ...(unsettledName === undefined
          ? []
          : [`  a create of "${unsettledName}" went out, and nobody knows yet what it made`]),
        ...(message === '' ? [] : [`  ${message}`]),
      ]),
    ),
  ].join('\n')
}

function section(title: string, lines: readonly string[]): string[] {
  return [title, ...(lines.length === 0 ? ['  nothing'] : lines.map((line) => `  ${line}`))]
}

function noteOf(released: Released | undefined): string {
  return released === undefined
    ? ''
    : `  (was ${released.key} until ${new Date(released.atMs).toISOString()}: ${released.reason})`
}
