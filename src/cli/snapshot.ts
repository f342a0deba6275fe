import process from 'node:process'
import { Command, Option } from 'commander'
import { defaultRegion } from '../operator/settings.ts'
import { withAdmin } from './open-admin.ts'
import { dataDirOption } from './options.ts'
import { clusterOption, namespaceOption, parseTarget } from './target.ts'

interface Flags {
  readonly dataDir: string
  readonly cluster?: string
  readonly namespace: string
}

/** `mooring snapshot`: what a person orders of snapshots beside their declarations. */
export function snapshotCommand(): Command {
  return new Command('snapshot')
    .summary('take snapshots now, and keep some from retention')
    .description('Orders for snapshots that schedules make.')
    .addCommand(nowCommand())
    .addCommand(keepCommand())
}

function nowCommand(): Command {
  return new Command('now')
    .summary('take the snapshots of a schedule now')
    .description(
      "A run of a schedule at this moment, for all of its volumes or one of them. Its retention counts them, and the\nschedule's own times stay as they are. A volume that has a snapshot in flight is left out.",
    )
    .argument(
      '<target>',
      'name of a schedule, or ID of a volume that one schedule selects; or namespace/name',
    )
    .option('--volume <volume>', "of the schedule's volumes this one alone: volume ID, or namespace/ID")
    .addOption(namespaceOption())
    .addOption(
      new Option('--nomad-region <region>', 'where no operator runs: the region that it is for')
        .default(defaultRegion)
        .env('NOMAD_REGION'),
    )
    .addOption(clusterOption())
    .addOption(dataDirOption())
    .addHelpText(
      'after',
      '\nExamples:\n  mooring snapshot now nightly\n  mooring snapshot now postgres-data\n  mooring snapshot now nightly --volume postgres-data',
    )
    .action((target: string, flags: Flags & { readonly volume?: string; readonly nomadRegion: string }) => {
      const full = (name: string) => (name.includes('/') ? name : `${flags.namespace}/${name}`)
      const volume = flags.volume === undefined ? undefined : full(flags.volume)
      return withAdmin(
        flags,
        async ({ admin, running }) => {
          const message = await admin.snapshotNow(full(target), volume)
          process.stdout.write(`${message}${running ? '' : ' (taken when an operator runs)'}\n`)
        },
        flags.nomadRegion,
      )
    })
}

function keepCommand(): Command {
  return new Command('keep')
    .summary("keep a schedule's snapshot, whatever its retention says")
    .description(
      'Retention leaves the snapshot alone until it is released. A declared snapshot is kept by its declaration instead.',
    )
    .argument('<snapshot>', 'name of the snapshot, or namespace/name')
    .option('--release', 'leave it to retention again', false)
    .addOption(namespaceOption())
    .addOption(clusterOption())
    .addOption(dataDirOption())
    .addHelpText('after', '\nExample:\n  mooring snapshot keep nightly:postgres-data:20260802T030000Z')
    .action((name: string, flags: Flags & { readonly release: boolean }) =>
      withAdmin(flags, async ({ admin }) => {
        const key = parseTarget('Snapshot', name, flags.namespace)
        const order = flags.release ? admin.releaseSnapshot : admin.keepSnapshot
        process.stdout.write(`${await order(key)}\n`)
      }),
    )
}
