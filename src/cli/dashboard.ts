import { Command } from 'commander'
import { UsageError } from '../lib/errors.ts'
import { withAdmin } from '../operator/with-admin.ts'
import { printResult, resultOption } from './output.ts'
import { dataDirOption } from './target.ts'

/** `mooring dashboard`: prints a link that logs in once, for whoever may open the operator's admin socket. */
export function dashboardCommand(): Command {
  return new Command('dashboard')
    .description(
      'Prints a link to the dashboard of the operator that runs on the data directory. The link logs in once, within an ' +
        'hour, and may give orders. Keep it to yourself.',
    )
    .addOption(dataDirOption())
    .addOption(resultOption())
    .addHelpText(
      'after',
      `
Examples:
  mooring dashboard
  xdg-open "$(mooring dashboard)"`,
    )
    .action((flags: { readonly dataDir: string; readonly output: 'text' | 'json' }) =>
      withAdmin(flags, async (open) => {
        if (!open.running)
          throw new UsageError(
            'no operator runs here, so there is no dashboard: start one with --http-ui 127.0.0.1:4680',
          )
        const url = await open.admin.createLoginLink()
        printResult(flags.output, { url }, url)
      }),
    )
}
