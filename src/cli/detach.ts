import process from 'node:process'
import { Command, Option } from 'commander'
import { withAdmin } from './open-admin.ts'
import { dataDirOption } from './options.ts'
import { clusterOption, namespaceOption, parseTarget } from './target.ts'

interface DetachFlags {
  readonly dataDir: string
  readonly cluster?: string
  readonly namespace: string
  readonly nodeIsDead: string
}

/** `mooring detach`: a person's word that a node is dead, which nothing else can give. */
export function detachCommand(): Command {
  return new Command('detach')
    .summary('take a volume off a node that a person knows to be dead')
    .description(
      'Nomad calls an allocation lost, and a node down, when it does not hear of them: a writer may live there still,\n' +
        'and a volume that is attached elsewhere meanwhile is corrupted. So Mooring detaches there only by this order.\n' +
        'First make sure that the node is off, or cut from the storage. The order is good for this volume on this node,\n' +
        'for the allocations that hold it now, once; it is refused where one of them lives.',
    )
    .argument('<volume>', 'volume ID, or namespace/ID')
    .addOption(
      new Option(
        '--node-is-dead <node>',
        'ID of the Nomad node on which nothing writes any more, or the beginning of it',
      ).makeOptionMandatory(),
    )
    .addOption(namespaceOption())
    .addOption(clusterOption())
    .addOption(dataDirOption())
    .addHelpText('after', '\nExample:\n  mooring detach postgres-data --node-is-dead 8f3c2a1e')
    .action((volume: string, flags: DetachFlags) =>
      withAdmin(flags, async ({ admin }) => {
        const key = parseTarget('Volume', volume, flags.namespace)
        process.stdout.write(`${await admin.detach(key, flags.nodeIsDead)}\n`)
      }),
    )
}
