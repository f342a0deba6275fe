import process from 'node:process'
import { Command } from 'commander'
import type { NomadConnection } from '../nomad/connection.ts'
import { formatQuantity } from '../operator/declare/quantities.ts'
import { findOrphansOnce } from '../operator/orphans-once.ts'
import type { Orphans } from '../operator/plan/orphans.ts'
import type { Released } from '../operator/plan/released.ts'
import { exitStatus } from './exit-status.ts'
import { nomadConnectionOptions } from './nomad-options.ts'
import { type ReadingFlags, readClusterSettings } from './operator-settings.ts'
import { readingOptions, sourceOption } from './options.ts'
import { outputOption, printJSON } from './output.ts'
import { clusterOption, dataDirOption } from './target.ts'

interface OrphansFlags extends NomadConnection, ReadingFlags {
  readonly source?: readonly string[]
  readonly dataDir: string
  readonly cluster?: string
  readonly output: 'text' | 'json'
}

/** `mooring orphans`: what nothing declares, in storage, in Nomad and in the inventory. */
export function orphansCommand(): Command {
  const command = new Command('orphans')
    .description(
      'Lists volumes and snapshots that are in storage and not in Nomad, volumes that are in Nomad and not declared, ' +
        'and what was declared once and has not ended. Deletes nothing. The operator that runs on the data directory ' +
        'looks. Where none runs, this command looks itself, with --source and --nomad-addr.\n' +
        'It ends with 1 where something could not be looked into; standard error says what.',
    )
    .addOption(sourceOption())
    .addOption(clusterOption())
    .addOption(dataDirOption())
    .addOption(outputOption('text', 'json'))
  for (const option of [...nomadConnectionOptions(), ...readingOptions()]) command.addOption(option)
  return command
    .addHelpText(
      'after',
      `
Examples:
  mooring orphans
  mooring orphans -o json | jq -r '.inStorage[].externalID'`,
    )
    .action(async (flags: OrphansFlags) => {
      const orphans = await findOrphansOnce(flags, flags.source, (source) =>
        readClusterSettings({ ...flags, source }),
      )
      if (flags.output === 'json') printJSON(orphans)
      else {
        process.stdout.write(`${formatOrphans(orphans)}\n`)
        for (const unknown of orphans.unknown) process.stderr.write(`could not be looked into: ${unknown}\n`)
      }
      process.exitCode = orphans.unknown.length > 0 ? exitStatus.failed : exitStatus.done
    })
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
          : [`  a call to create "${unsettledName}" was sent, and its outcome is not known yet`]),
        ...(message === '' ? [] : [`  ${message}`]),
      ]),
    ),
    ...whatToDo(inNomad.length > 0, new Set(inStorage.map(({ kind }) => kind))),
  ].join('\n')
}

/** What a person can do with what the lists show. */
function whatToDo(isInNomad: boolean, inStorage: ReadonlySet<'Volume' | 'Snapshot'>): string[] {
  if (!isInNomad && inStorage.size === 0) return []
  return [
    'To manage them:',
    ...(isInNomad ? ['  volumes in Nomad: run mooring import'] : []),
    ...(inStorage.has('Volume')
      ? ['  volumes in storage: declare each with its pluginID and externalID']
      : []),
    ...(inStorage.has('Snapshot')
      ? ['  snapshots in storage: manage their volumes, then run mooring import --snapshots']
      : []),
    'To delete one, manage it with deletionPolicy: Delete. When it is Ready, remove its declaration.',
  ]
}

function section(title: string, lines: readonly string[]): string[] {
  return [title, ...(lines.length === 0 ? ['  nothing'] : lines.map((line) => `  ${line}`))]
}

function noteOf(released: Released | undefined): string {
  return released === undefined
    ? ''
    : `  (was ${released.key} until ${new Date(released.atMs).toISOString()}: ${released.reason})`
}
