import process from 'node:process'
import { Command } from 'commander'
import { apiVersion } from '../operator/declare/document.ts'
import { withAdmin } from '../operator/with-admin.ts'
import { notDeclared, tellIfOld } from './answered.ts'
import { formatYAML, outputOption, printJSON } from './output.ts'
import { formatTable, tableOptionsFor } from './table.ts'
import {
  isInstanceRowOf,
  isRowOf,
  parseKindOrTarget,
  TargetArgument,
  type TargetFlags,
  targetOptions,
} from './target.ts'

interface GetFlags extends TargetFlags {
  readonly output: 'table' | 'wide' | 'json' | 'yaml' | 'name'
}

/** `mooring get`: the declarations of a kind, or one of them, with their status. */
export function getCommand(): Command {
  const command = new Command('get')
    .description(
      'Shows declarations with their status. As YAML or JSON, the spec has its defaults filled in.',
    )
    .addArgument(
      new TargetArgument(undefined, 'kind, for all of the kind; or kind name, or kind namespace/name'),
    )
    .addOption(outputOption('table', 'wide', 'json', 'yaml', 'name'))
  for (const option of targetOptions()) command.addOption(option)
  return command
    .addHelpText(
      'after',
      `
Examples:
  mooring get volumes
  mooring get volume postgres-data -o yaml
  mooring get snapshot prod/before-upgrade -o json | jq -r .status.externalID`,
    )
    .action(async (words: readonly string[], flags: GetFlags) => {
      const { kind, key } = parseKindOrTarget(words, flags.namespace)
      return withAdmin(flags, async (open) => {
        const { admin } = open
        tellIfOld(open, flags.dataDir)
        if (flags.output === 'table' || flags.output === 'wide' || flags.output === 'name') {
          const { rows } = await admin.status()
          const found = rows.filter((row) =>
            key === undefined ? row.kind === kind : isRowOf(row, key) || isInstanceRowOf(row, key),
          )
          if (key !== undefined && found.length === 0) throw notDeclared(key, rows)
          if (flags.output === 'name') {
            for (const { name } of found) process.stdout.write(`${name}\n`)
            return
          }
          const options = { ...tableOptionsFor(process.stdout), isWide: flags.output === 'wide' }
          process.stdout.write(`${formatTable(found, options)}\n`)
          return
        }
        const objects = (await admin.objects()).filter((object) => object.kind === kind)
        const one = objects.find(({ status }) => status.key === key)
        if (key !== undefined && one === undefined) throw notDeclared(key, (await admin.status()).rows)
        const document = one ?? { apiVersion, kind: `${kind}List`, items: objects }
        if (flags.output === 'json') printJSON(document)
        else process.stdout.write(formatYAML(document))
      })
    })
}
