import process from 'node:process'
import { Command } from 'commander'
import { UsageError } from '../lib/errors.ts'
import { shellCommand } from '../lib/shell-command.ts'
import { apiVersion } from '../operator/declare/document.ts'
import { withAdmin } from '../operator/with-admin.ts'
import { formatYAML, outputOption, printJSON } from './output.ts'
import { formatTable, tableOptionsFor } from './table.ts'
import {
  isInstanceRowOf,
  isRowOf,
  parseKindOrTarget,
  type TargetFlags,
  targetArgument,
  targetOptions,
} from './target.ts'

interface GetFlags extends TargetFlags {
  readonly output: 'table' | 'wide' | 'json' | 'yaml'
}

/** `mooring get`: the declarations of a kind, or one of them, with their status. */
export function getCommand(): Command {
  const command = new Command('get')
    .summary('show the declarations of a kind, or one of them')
    .description(
      'Shows declarations with their status. As YAML or JSON, the spec has its defaults filled in.',
    )
    .argument(targetArgument, 'kind, for all of the kind; or kind name, or kind namespace/name')
    .addOption(outputOption('table', 'wide', 'json', 'yaml'))
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
    .action((words: readonly string[], flags: GetFlags) =>
      withAdmin(flags, async ({ admin }) => {
        const { kind, key } = parseKindOrTarget(words, flags.namespace)
        const notFound = () =>
          new UsageError(
            `${key} is neither declared nor managed: ${shellCommand('mooring', 'get', kind)} lists what is`,
          )
        if (flags.output === 'table' || flags.output === 'wide') {
          const { rows } = await admin.status()
          const found = rows.filter((row) =>
            key === undefined ? row.kind === kind : isRowOf(row, key) || isInstanceRowOf(row, key),
          )
          if (key !== undefined && found.length === 0) throw notFound()
          const options = { ...tableOptionsFor(process.stdout), isWide: flags.output === 'wide' }
          process.stdout.write(`${formatTable(found, options)}\n`)
          return
        }
        const objects = (await admin.objects()).filter((object) => object.kind === kind)
        const one = objects.find(({ status }) => status.key === key)
        if (key !== undefined && one === undefined) throw notFound()
        const document = one ?? { apiVersion, kind: `${kind}List`, items: objects }
        if (flags.output === 'json') printJSON(document)
        else process.stdout.write(formatYAML(document))
      }),
    )
}
