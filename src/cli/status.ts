import process from 'node:process'
import { Command } from 'commander'
import { createLogUpdate } from 'log-update'
import { UsageError } from '../lib/errors.ts'
import type { Admin, StatusReport } from '../operator/admin/admin.ts'
import { type OpenAdmin, withAdmin } from '../operator/with-admin.ts'
import { tellIfOld } from './answered.ts'
import { formatYAML, outputOption, printJSON } from './output.ts'
import { formatTable, tableOptionsFor } from './table.ts'
import { dataDirOption } from './target.ts'

interface StatusFlags {
  readonly dataDir: string
  readonly output: 'table' | 'wide' | 'json' | 'yaml'
  readonly watch: boolean
}

/** `mooring status`: shows where every declaration stands, as the operator that runs here sees it. */
export function statusCommand(): Command {
  return new Command('status')
    .description(
      'Shows every declaration, everything that still has to end, and every mistake in the sources, as the operator that ' +
        'runs on the data directory sees them. Where none runs, shows what the last one recorded.',
    )
    .addOption(dataDirOption())
    .addOption(outputOption('table', 'wide', 'json', 'yaml'))
    .option('-w, --watch', 'keep showing it as it changes', false)
    .addHelpText(
      'after',
      `
Examples:
  mooring status --watch
  mooring status -o wide                 shows every message whole
  mooring status -o json | jq '.rows[] | select(.state != "Ready")'`,
    )
    .action((flags: StatusFlags) =>
      withAdmin(flags, async (open) => {
        tellIfOld(open, flags.dataDir)
        if (!flags.watch) return print(await open.admin.status(), open, flags)
        if (!open.running)
          throw new UsageError(
            '--watch shows changes, and no operator runs here that makes any: leave it out, or start one',
          )
        await watch(open.admin, open, flags)
      }),
    )
}

function print({ rows }: StatusReport, open: OpenAdmin, { output }: StatusFlags): void {
  const document = { ...(open.running ? { operator: open.info } : {}), rows }
  if (output === 'json') printJSON(document)
  else if (output === 'yaml') process.stdout.write(formatYAML(document))
  else {
    const options = { ...tableOptionsFor(process.stdout), isWide: output === 'wide' }
    process.stdout.write(`${formatTable(rows, options)}\n`)
  }
}

/** Shows the status until the operator ends or the person interrupts: redrawn in place on a terminal, elsewhere printed again. */
async function watch(admin: Admin, open: OpenAdmin, flags: StatusFlags): Promise<void> {
  const draw = createLogUpdate(process.stdout)
  const isRedrawn = process.stdout.isTTY && (flags.output === 'table' || flags.output === 'wide')
  let report = await admin.status()
  for (;;) {
    const options = { ...tableOptionsFor(process.stdout), isWide: flags.output === 'wide' }
    if (isRedrawn) draw(formatTable(report.rows, options))
    else print(report, open, flags)
    const { version } = report
    do report = await admin.status(version)
    while (report.version === version)
  }
}
