import process from 'node:process'
import { Command } from 'commander'
import type { Declaration } from '../operator/declare/declaration.ts'
import type { Key } from '../operator/plan/identity.ts'
import { type AdminFlags, type InventoryAdmin, withAdmin } from './open-admin.ts'
import { dataDirOption } from './options.ts'
import { clusterOption, kindArgument, namespaceOption, parseTarget } from './target.ts'

/** `mooring suspend`: nothing is done for an identity any more, whatever its declaration says. */
export function suspendCommand(): Command {
  return orderCommand('suspend', (admin, key) => admin.suspend(key))
    .summary('do nothing more for a declaration until it is resumed')
    .description(
      'From the next pass on nothing is done for the declaration, its end included, until mooring resume.\n' +
        'The order is kept beside the declaration, over restarts; spec.suspend does the same in the declaration itself.',
    )
    .addHelpText('after', '\nExample:\n  mooring suspend volume postgres-data')
}

/** `mooring resume`: takes a suspension back. */
export function resumeCommand(): Command {
  return orderCommand('resume', (admin, key) => admin.resume(key))
    .summary('go on with a declaration that was suspended')
    .description('Takes back mooring suspend.')
    .addHelpText('after', '\nExample:\n  mooring resume volume postgres-data')
}

function orderCommand(name: string, order: (admin: InventoryAdmin, key: Key) => Promise<string>): Command {
  return new Command(name)
    .addArgument(kindArgument())
    .argument('<name>', 'volume ID or name, or namespace/name')
    .addOption(namespaceOption())
    .addOption(clusterOption())
    .addOption(dataDirOption())
    .action((kind: Declaration['kind'], target: string, flags: AdminFlags & { readonly namespace: string }) =>
      withAdmin(flags, async ({ admin }) => {
        const message = await order(admin, parseTarget(kind, target, flags.namespace))
        process.stdout.write(`${message}\n`)
      }),
    )
}
