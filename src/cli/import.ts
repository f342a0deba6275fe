import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { Command } from 'commander'
import { errorCode, UsageError } from '../lib/errors.ts'
import { connectNomad, type NomadConnection } from '../nomad/connection.ts'
import { apiVersion } from '../operator/declare/document.ts'
import { parseDeclarations } from '../operator/declare/parse-declarations.ts'
import { formatQuantity } from '../operator/declare/quantities.ts'
import { type ImportedSnapshot, importSnapshots } from '../operator/import-snapshots.ts'
import { importVolumes } from '../operator/import-volumes.ts'
import { createMemoryInventory } from '../operator/inventory/memory-inventory.ts'
import type { ImportedVolume } from '../operator/plan/import-volume.ts'
import { readInventory } from '../operator/with-admin.ts'
import { exitStatus } from './exit-status.ts'
import { fromOperator } from './from-operator.ts'
import { nomadConnectionOptions } from './nomad-options.ts'
import { formatYAML } from './output.ts'
import { dataDirOption, namespaceOption } from './target.ts'

interface ImportFlags extends NomadConnection {
  readonly namespace: string
  readonly dataDir: string
  readonly out?: string
  readonly snapshots?: true
}

/** `mooring import`: writes declarations for volumes that are in Nomad, and for snapshots that are in storage. */
export function importCommand(): Command {
  const command = new Command('import')
    .description(
      'Writes a declaration for each volume of a Nomad namespace that Mooring does not manage, or for the volumes that ' +
        'are named. Each has its externalID, so nothing can be created for it, and deletionPolicy Retain. Comments mark ' +
        'what Nomad never shows (secrets, mount flags). Changes nothing: mooring plan shows what taking over means.\n' +
        'With --snapshots, it writes a declaration for each snapshot in storage that Mooring does not manage. Its volume ' +
        'has to be managed already.',
    )
    .argument('[volume...]', 'volume IDs; default: all that are not managed, with --snapshots all that are')
    .option('--snapshots', 'the snapshots of managed volumes, instead of volumes')
    .option(
      '--out <folder>',
      'folder to write one file for each to, never over one that is there; default: standard output',
    )
    .addOption(namespaceOption())
    .addOption(dataDirOption())
  for (const option of nomadConnectionOptions()) command.addOption(option)
  return command
    .addHelpText(
      'after',
      `
Examples:
  mooring import --out volumes/ && mooring plan volumes/
  mooring import -n '*' --out volumes/   all namespaces, a folder for each
  mooring import postgres-data -n prod | mooring validate -
  mooring import --snapshots --out snapshots/   once their volumes are managed`,
    )
    .action(async (ids: readonly string[], flags: ImportFlags) => {
      const { info, contents, keyedHash } = await readInventory(flags.dataDir)
      const client = connectNomad(fromOperator(command, flags, info))
      const { namespace, out } = flags
      // With all namespaces each has a folder of its own, so that equal IDs do not meet.
      const folderOf = (each: { readonly namespace: string }) =>
        namespace === '*' && out !== undefined ? join(out, each.namespace) : out
      try {
        if (flags.snapshots === true) {
          const records = createMemoryInventory(contents, keyedHash).list()
          const { released } = contents
          const { snapshots, unknown } = await importSnapshots(client, { namespace, ids, records, released })
          for (const each of snapshots) write(formatSnapshot(each), `${each.name}.snapshot`, folderOf(each))
          process.stderr.write(`${plural(snapshots.length, 'snapshot')} written\n`)
          for (const each of unknown) process.stderr.write(`could not be looked into: ${each}\n`)
          if (unknown.length > 0) process.exitCode = exitStatus.failed
          return
        }
        let count = 0
        for await (const imported of importVolumes(client, { namespace, ids, contents })) {
          write(formatImported(imported), imported.id, folderOf(imported))
          count += 1
        }
        process.stderr.write(`${plural(count, 'volume')} written\n`)
      } finally {
        await client.close()
      }
    })
}

function plural(count: number, what: string): string {
  return count === 1 ? `1 ${what}` : `${count} ${what}s`
}

function formatSnapshot({ name, spec }: ImportedSnapshot): string {
  return formatYAML({ apiVersion, kind: 'Snapshot', metadata: { name }, spec })
}

/** A YAML document. Comments mark what is not known or cannot be declared. */
function formatImported({ name, spec, unreadable }: ImportedVolume): string {
  const asQuantity = (_key: string, value: unknown) =>
    typeof value === 'bigint' ? formatQuantity(value) : value
  const plain = JSON.parse(JSON.stringify(spec, asQuantity))
  const text = formatYAML({ apiVersion, kind: 'Volume', metadata: { name }, spec: plain })
  const { problems } = parseDeclarations(text, { source: name, file: '' })
  return [
    ...problems.map(({ field, message }) => `# Correct this: ${field}: ${message}\n`),
    text,
    ...unreadable.map((field) => comments[field]),
  ].join('')
}

const comments = {
  secrets: `  # Nomad never shows secrets. Those that it has stay. To set them, or to say that there are none ({}):
  # secrets: {KEY: {fromEnv: MOORING_SECRET_NAME}}
`,
  'mountOptions.mountFlags': `  # Nomad has mount flags here, and never shows them. They stay. To set them, write under mountOptions:
  #   mountFlags: [FLAG]
`,
}

function write(text: string, id: string, folder: string | undefined): void {
  if (folder === undefined) {
    process.stdout.write(`---\n${text}`)
    return
  }
  mkdirSync(folder, { recursive: true })
  const path = join(folder, `${encodeURIComponent(id).replace(/^\./, '%2E')}.yaml`)
  try {
    writeFileSync(path, text, { flag: 'wx' })
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') throw error
    throw new UsageError(`${path} is there already, and nothing is written over it: give another --out`)
  }
}
