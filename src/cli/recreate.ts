import process from 'node:process'
import { Command, Option } from 'commander'
import { withAdmin } from './open-admin.ts'
import { dataDirOption } from './options.ts'
import { clusterOption, namespaceOption, parseTarget } from './target.ts'

interface RecreateFlags {
  readonly dataDir: string
  readonly cluster?: string
  readonly namespace: string
  readonly lost: string
}

/** `mooring recreate`: the one way to a new external volume in the place of a lost one. */
export function recreateCommand(): Command {
  return new Command('recreate')
    .summary('give up a vanished external volume for a new one')
    .description(
      'A volume whose external volume is gone is Stalled, Vanished: a blank one never takes its place by itself.\n' +
        'This gives the lost one up and lets a new one be created, blank or from the source that is declared, under\n' +
        'another CSI name. It is refused unless the volume has vanished, and does nothing if the lost one is back.',
    )
    .argument('<volume>', 'volume ID, or namespace/ID')
    .addOption(
      new Option(
        '--lost <external-id>',
        'the external volume that is given up, as mooring describe names it',
      ).makeOptionMandatory(),
    )
    .addOption(namespaceOption())
    .addOption(clusterOption())
    .addOption(dataDirOption())
    .addHelpText('after', '\nExample:\n  mooring recreate postgres-data --lost vol-0abc')
    .action((volume: string, flags: RecreateFlags) =>
      withAdmin(flags, async ({ admin }) => {
        const key = parseTarget('Volume', volume, flags.namespace)
        process.stdout.write(`${await admin.recreate(key, flags.lost)}\n`)
      }),
    )
}
