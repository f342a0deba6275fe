import { Command, Option } from 'commander'
import type { Declaration } from '../operator/declare/declaration.ts'
import { printResult, resultOption } from './output.ts'
import { parseTarget, TargetArgument, type TargetFlags, targetOptions } from './target.ts'

/** A command that gives one order. */
export interface OrderVerb<Flags extends object = never> {
  readonly summary: string
  readonly description: string
  /** The kind of a target that is named without one. */
  readonly kind: Declaration['kind']
  readonly options?: readonly Option[]
  readonly examples: readonly string[]
  /** The order that the flags come to, for `parseOrder`. */
  readonly orderOf: (key: string, flags: TargetFlags & Flags) => object
}

/** Makes the command of an order. */
export function orderCommand<Flags extends object>(name: string, verb: OrderVerb<Flags>): Command {
  const { summary, description, kind, options = [], examples, orderOf } = verb
  const command = new Command(name)
    .summary(summary)
    .description(description)
    .addArgument(new TargetArgument(kind))
  for (const option of [...options, resultOption(), ...targetOptions()]) command.addOption(option)
  return command
    .addHelpText('after', `\nExamples:\n${examples.map((example) => `  mooring ${example}`).join('\n')}`)
    .action((words: readonly string[], flags: OrderFlags & Flags) => {
      const key = parseTarget(words, flags.namespace, kind)
      return giveOrder(key, flags, orderOf(key, flags))
    })
}

interface OrderFlags extends TargetFlags {
  readonly nomadRegion?: string
  readonly output: 'text' | 'json'
}

async function giveOrder(key: string, flags: OrderFlags, order: object): Promise<void> {
  // Loaded here, so that no other command has to load the operator's code.
  const [{ commandGiver, withAdmin }, { parseOrder }] = await Promise.all([
    import('../operator/with-admin.ts'),
    import('../operator/orders/order.ts'),
  ])
  await withAdmin(
    flags,
    async ({ admin, running }) => {
      const message = await admin.order(parseOrder(order), commandGiver())
      const later = running ? '' : ' (no operator runs here: this takes effect when one does)'
      printResult(flags.output, { key, message, operatorRuns: running }, `${message}${later}`)
    },
    flags.nomadRegion,
  )
}

const suspend: OrderVerb = {
  summary: 'do nothing more for a declaration until it is resumed',
  description:
    'From the next pass on, nothing is done for the declaration. It does not end either. mooring resume takes this back.\n' +
    'The order is kept beside the declaration and outlives restarts. spec.suspend does the same in the declaration itself.',
  kind: 'Volume',
  examples: ['suspend volume postgres-data', 'suspend schedule prod/nightly'],
  orderOf: (key) => ({ type: 'suspend', key }),
}

const resume: OrderVerb = {
  summary: 'go on with a declaration that was suspended',
  description: 'Takes back mooring suspend.',
  kind: 'Volume',
  examples: ['resume volume postgres-data', 'resume schedule prod/nightly'],
  orderOf: (key) => ({ type: 'resume', key }),
}

const confirmRemoval: OrderVerb = {
  summary: 'say that a declaration was removed on purpose',
  description:
    'A declaration that no source shows any more counts as removed only where Mooring saw its removal. Otherwise it is ' +
    'kept with the reason SourceUnclear or SourceNotRead. If too many are removed at once, or all, each is kept with the ' +
    "reason TooManyEnds or SourceEmpty. This command is a person's word that it was removed on purpose: it then ends by its " +
    'deletionPolicy, within the limits of --prune and --prune-delay, and no longer counts towards --max-prune.\n' +
    'The order is for this absence alone. It is refused while the declaration is there, and void once it is back.',
  kind: 'Volume',
  examples: ['confirm-removal volume postgres-data', 'confirm-removal schedule prod/nightly'],
  orderOf: (key) => ({ type: 'confirmRemoval', key }),
}

const cancelEnd: OrderVerb = {
  summary: 'keep what would end, and manage it no longer',
  description:
    'A declaration that was removed ends by its deletionPolicy. This command cancels its end before the delete is sent: the ' +
    'volume or snapshot stays, as with deletionPolicy Retain, Mooring manages it no longer, and mooring orphans lists it. ' +
    'To manage it again, declare it again.\n' +
    'The order is for this end alone. It is refused where nothing ends, and where the delete was sent already.',
  kind: 'Volume',
  examples: ['cancel-end postgres-data', 'cancel-end snapshot prod/before-upgrade'],
  orderOf: (key) => ({ type: 'cancelEnd', key }),
}

const recreate: OrderVerb<{ readonly lost: string }> = {
  summary: 'give up a vanished external volume for a new one',
  description:
    'A volume whose external volume is gone is Stalled with the reason Vanished, and a host volume that Nomad no longer ' +
    'has with the reason HostVolumeVanished. Mooring never puts a blank one in its ' +
    'place by itself. This command gives the lost one up: a new one is created under another CSI name, blank or from ' +
    'the source that is declared. It is refused unless the volume has vanished, and does nothing if the lost one is back.',
  kind: 'Volume',
  options: [
    new Option(
      '--lost <external-id>',
      'external volume, or ID of the host volume, that is given up, as mooring describe names it',
    ).makeOptionMandatory(),
  ],
  examples: ['recreate postgres-data --lost vol-0abc', "recreate volume 'prod/set[2]' --lost vol-0abc"],
  orderOf: (key, { lost }) => ({ type: 'recreate', key, lostExternalID: lost }),
}

const detach: OrderVerb<{ readonly nodeIsDead: string }> = {
  summary: 'take a volume off a node that a person knows to be dead',
  description:
    'Nomad calls an allocation lost, and a node down, when it does not hear of them. A writer may still live there, ' +
    'and two writers corrupt a volume. So Mooring detaches there only by this order.\n' +
    'First make sure that the node is off, or cut from the storage. The order is for this volume, this node and the ' +
    'allocations that hold it now. It works once, and it is refused where one of them lives.',
  kind: 'Volume',
  options: [
    new Option(
      '--node-is-dead <node>',
      'ID of the Nomad node on which nothing writes any more, or the beginning of it',
    ).makeOptionMandatory(),
  ],
  examples: [
    'detach postgres-data --node-is-dead 8f3c2a1e',
    'detach prod/postgres-data --node-is-dead 8f3c2a1e -o json',
  ],
  orderOf: (key, { nodeIsDead }) => ({ type: 'detach', key, node: nodeIsDead }),
}

const takeSnapshots: OrderVerb<{ readonly volume?: string }> = {
  summary: 'take the snapshots of a schedule now',
  description:
    'Runs a schedule now, for all of its volumes or for one. Its retention counts these snapshots, and its own times ' +
    'stay as they are. A volume that has a snapshot in flight is left out. The target is a schedule, or a volume that ' +
    'one schedule selects.',
  kind: 'SnapshotSchedule',
  options: [
    new Option('--volume <volume>', "only this one of the schedule's volumes: ID, or namespace/ID"),
    new Option(
      '--nomad-region <region>',
      "where no operator runs: the region of its Nomad, which is a part of the snapshots' names (default: global)",
    ).env('NOMAD_REGION'),
  ],
  examples: [
    'snapshot now nightly',
    'snapshot now volume postgres-data',
    'snapshot now nightly --volume postgres-data',
  ],
  orderOf: (key, { volume, namespace }) => ({
    type: 'takeSnapshots',
    key,
    ...(volume === undefined ? {} : { volume: parseTarget([volume], namespace, 'Volume') }),
  }),
}

const keepSnapshot: OrderVerb<{ readonly release: boolean }> = {
  summary: "keep a schedule's snapshot, whatever its retention says",
  description:
    'Retention leaves the snapshot alone until it is released. A declared snapshot is kept by its declaration instead.',
  kind: 'Snapshot',
  options: [new Option('--release', 'leave the snapshot to retention again').default(false)],
  examples: [
    'snapshot keep nightly:postgres-data:20260802T030000Z',
    'snapshot keep nightly:postgres-data:20260802T030000Z --release',
  ],
  orderOf: (key, { release }) => ({ type: release ? 'releaseSnapshot' : 'keepSnapshot', key }),
}

const trustClock: OrderVerb = {
  summary: 'say that the date is right, although it leapt',
  description:
    'A schedule whose date leapt is Stalled with the reason ClockLeapt: none of its snapshots expires. Where the date is ' +
    'wrong, set the clock, and the schedule goes on by itself. Where it is right, this command says so, once: a later ' +
    'leap is another one.',
  kind: 'SnapshotSchedule',
  examples: ['snapshot trust-clock nightly', 'snapshot trust-clock prod/nightly'],
  orderOf: (key) => ({ type: 'trustClock', key }),
}

/** The orders that have a command of their own. */
export const orderVerbs = { suspend, resume, confirmRemoval, cancelEnd, recreate, detach }

/** `mooring snapshot`: the orders for snapshots. */
export function snapshotCommand(): Command {
  return new Command('snapshot')
    .description('Orders for snapshots that schedules make.')
    .addHelpText(
      'after',
      `
Examples:
  mooring snapshot now nightly
  mooring snapshot keep nightly:postgres-data:20260802T030000Z`,
    )
    .addCommand(orderCommand('now', takeSnapshots))
    .addCommand(orderCommand('keep', keepSnapshot))
    .addCommand(orderCommand('trust-clock', trustClock))
}
