import process from 'node:process'
import { Command } from 'commander'
import { UsageError } from '../lib/errors.ts'
import type { Declaration } from '../operator/declare/declaration.ts'
import { apiVersion } from '../operator/declare/document.ts'
import { withAdmin } from './open-admin.ts'
import { dataDirOption } from './options.ts'
import { formatYAML, outputOption, printJSON } from './output.ts'
import { formatTable, tableOptionsFor } from './table.ts'
import {
  clusterOption,
  isInstanceRowOf,
  isRowOf,
  kindArgument,
  namespaceOption,
  parseTarget,
} from './target.ts'

interface GetFlags {
  readonly dataDir: string
  readonly cluster?: string
  readonly namespace: string
  readonly output: 'table' | 'wide' | 'json' | 'yaml'
}

/** `mooring get`: declarations of a kind, or one of them, with what Mooring knows of it. */
export function getCommand(): Command {
  return new Command('get')
    .summary('show the declarations of a kind, or one of them')
    .description(
      'Shows declarations with their status. As YAML or JSON, the spec has its defaults filled in.',
    )
    .addArgument(kindArgument())
    .argument('[name]', 'volume ID or name, or namespace/name; default: all of the kind')
    .addOption(namespaceOption())
    .addOption(clusterOption())
    .addOption(dataDirOption())
    .addOption(outputOption('table', 'wide', 'json', 'yaml'))
    .addHelpText(
      'after',
      `
Examples:
  mooring get volumes
  mooring get volume postgres-data -o yaml
  mooring get snapshot prod/before-upgrade -o json | jq -r .status.externalID`,
    )
    .action((kind: Declaration['kind'], name: string | undefined, flags: GetFlags) =>
      withAdmin(flags, async ({ admin }) => {
        const key = name === undefined ? undefined : parseTarget(kind, name, flags.namespace)
        const notFound = () =>
          new UsageError(`${key} is neither declared nor managed; mooring get ${kind} lists what is`)
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
