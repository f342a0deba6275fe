import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { Command } from 'commander'
import { errorCode, UsageError } from '../lib/errors.ts'
import type { NomadClient } from '../nomad/client.ts'
import { connectNomad, type NomadConnection } from '../nomad/connection.ts'
import { apiVersion } from '../operator/declare/document.ts'
import { parseDeclarations } from '../operator/declare/parse-declarations.ts'
import { formatQuantity } from '../operator/declare/quantities.ts'
import { volumeKey } from '../operator/plan/identity.ts'
import { type ImportedVolume, planImport } from '../operator/plan/import-volume.ts'
import { fromOperator } from './from-operator.ts'
import { nomadConnectionOptions } from './nomad-options.ts'
import { formatYAML } from './output.ts'
import { readInventory } from './plan.ts'
import { dataDirOption, namespaceOption } from './target.ts'

interface ImportFlags extends NomadConnection {
  readonly namespace: string
  readonly dataDir: string
  readonly out?: string
}

/** `mooring import`: declarations for what already is in Nomad. */
export function importCommand(): Command {
  const command = new Command('import')
    .summary('write declarations for volumes that are in Nomad already')
    .description(
      'Writes a declaration for each volume of a Nomad namespace that Mooring does not manage, or for those that are\n' +
        'named. Each has its externalID, so nothing can be created for it, and deletionPolicy Retain. What Nomad never\n' +
        'shows (secrets, mount flags) is marked in comments. Changes nothing: mooring plan shows what taking over means.',
    )
    .argument('[volume...]', 'volume IDs; default: all that are not managed')
    .option('--out <folder>', 'one file a volume, never over one that is there; default: standard output')
    .addOption(namespaceOption())
    .addOption(dataDirOption())
  for (const option of nomadConnectionOptions()) command.addOption(option)
  return command
    .addHelpText(
      'after',
      `
Examples:
  mooring import --out volumes/ && mooring plan volumes/
  mooring import postgres-data -n prod | mooring validate -`,
    )
    .action(async (wanted: readonly string[], flags: ImportFlags) => {
      const { info, contents } = await readInventory(flags.dataDir)
      const managed = new Set(contents.managed.map(({ key }) => key))
      const client = connectNomad(fromOperator(command, flags, info))
      const { namespace } = flags
      try {
        const stubs = (await client.listVolumes(namespace)).items
        const ids =
          wanted.length > 0
            ? wanted
            : stubs.map(({ ID }) => ID).filter((id) => !managed.has(volumeKey(namespace, id)))
        const names = new Set<string>()
        for (const id of ids) {
          const imported = await read(client, namespace, id)
          const name = firstFree(imported.name, names)
          names.add(name)
          write(formatImported({ ...imported, name }), id, flags.out)
        }
        process.stderr.write(`${ids.length === 1 ? '1 volume' : `${ids.length} volumes`} written\n`)
      } finally {
        await client.close()
      }
    })
}

async function read(client: NomadClient, namespace: string, id: string): Promise<ImportedVolume> {
  const volume = await client.readVolume(namespace, id)
  if (volume === undefined) throw new UsageError(`Nomad has no volume "${id}" in namespace "${namespace}"`)
  return planImport(volume)
}

/** IDs that differ only in what a name cannot hold would get the same one. */
function firstFree(name: string, taken: ReadonlySet<string>): string {
  for (let number = 1; ; number += 1) {
    const candidate = number === 1 ? name : `${name}-${number}`
    if (!taken.has(candidate)) return candidate
  }
}

/** A YAML document, with comments where something is not known or cannot be declared. */
function formatImported({ name, spec, unreadable }: ImportedVolume): string {
  const asQuantity = (_key: string, value: unknown) =>
    typeof value === 'bigint' ? formatQuantity(value) : value
  const plain = JSON.parse(JSON.stringify(spec, asQuantity))
  const text = formatYAML({ apiVersion, kind: 'Volume', metadata: { name }, spec: plain })
  const { problems } = parseDeclarations(text, { source: name, file: '' })
  return [
    ...problems.map(({ field, message }) => `# To be corrected: ${field}: ${message}\n`),
    text,
    ...unreadable.map((field) => comments[field]),
  ].join('')
}

const comments = {
  secrets: `  # Nomad never shows secrets. Whatever it has stays; to set them, or to say that there are none ({}):
  # secrets: {KEY: {fromEnv: MOORING_SECRET_NAME}}
`,
  'mountOptions.mountFlags': `  # Nomad has mount flags here and never shows them. They stay; to set them, under mountOptions:
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
    throw new UsageError(`${path} is there already: nothing is written over it; give another --out`)
  }
}
