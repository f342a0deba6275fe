import { once } from 'node:events'
import process from 'node:process'
import { createInterface } from 'node:readline/promises'
import { Command, Option } from 'commander'
import { systemClock } from '../lib/clock.ts'
import { UsageError } from '../lib/errors.ts'
import { findObject, followRestore } from '../operator/admin/follow.ts'
import type { ManagedObject } from '../operator/admin/managed-object.ts'
import { parseOrder } from '../operator/orders/order.ts'
import { commandGiver, withAdmin } from '../operator/with-admin.ts'
import { exitStatus, WrongUseError } from './exit-status.ts'
import { waitOptions } from './options.ts'
import { printJSON, printResult, resultOption } from './output.ts'
import { parseTarget, TargetArgument, type TargetFlags, targetOptions } from './target.ts'

interface RestoreFlags extends TargetFlags {
  readonly from?: string
  readonly backTo?: string
  readonly undo: boolean
  readonly output: 'text' | 'json'
  readonly yes: boolean
  readonly wait: boolean
  /** Milliseconds. */
  readonly timeout: number
}

const statusOf = {
  restored: exitStatus.done,
  'not restored': exitStatus.failed,
  'timed out': exitStatus.differences,
} as const

/** `mooring restore`: the content of a snapshot under the same volume ID. */
export function restoreCommand(): Command {
  const command = new Command('restore')
    .description(
      'Takes the volume out of Nomad, creates one from the snapshot under another CSI name, and registers that one under ' +
        'the same volume ID. The external volume before it is kept: mooring describe and mooring orphans list it as ' +
        'replaced. A restore is refused while the volume is in use. Where a claim appears meanwhile, or the plugin refuses ' +
        'for good, the restore is called off and the volume before it is put back by itself.\n' +
        '--undo calls off a restore that cannot go on. --back-to goes back after one that is done, under the same rules.\n' +
        'A restore asks for a yes on the terminal. Without a terminal, as in a script, give --yes.\n' +
        'With --wait it ends with 0 where it is restored, with 1 where it is not, and with 3 where it is not done in time.',
    )
    .addArgument(new TargetArgument('Volume'))
    .addOption(
      new Option(
        '--from <snapshot>',
        "name of a declared snapshot or of a schedule's, or else a snapshot ID of the volume's plugin",
      ),
    )
    .addOption(
      new Option(
        '--back-to <external volume>',
        'external volume that a restore replaced: put it in its place again; mooring describe lists them',
      ),
    )
    .option('--undo', 'call off the restore that is ordered or under way', false)
    .option('--yes', 'do not ask for a yes; needed where there is no terminal', false)
  for (const option of waitOptions('follow the restore until it ends')) command.addOption(option)
  for (const option of [resultOption(), ...targetOptions()]) command.addOption(option)
  return command
    .addHelpText(
      'after',
      `
Examples:
  mooring restore postgres-data --from before-upgrade --wait
  mooring restore prod/data --from nightly:data:20260802T030000Z --yes
  mooring restore postgres-data --undo
  mooring restore postgres-data --back-to postgres-data-e3324aef68 --wait`,
    )
    .action(async (words: readonly string[], flags: RestoreFlags) => {
      const { from, backTo, undo, yes, wait, timeout: timeoutMs, output } = flags
      const key = parseTarget(words, flags.namespace, 'Volume')
      if ([from !== undefined, backTo !== undefined, undo].filter(Boolean).length !== 1)
        throw new WrongUseError('write one of --from SNAPSHOT, --back-to EXTERNAL-VOLUME and --undo')
      return withAdmin(flags, async ({ admin, running }) => {
        if (wait && !running)
          throw new UsageError('no operator runs here, so there is nothing to wait for: leave --wait out')
        const object = await findObject(admin, key)
        const replaces = object?.status.externalID
        const seen = typeof replaces === 'string' ? { replaces } : {}
        const order = parseOrder({
          ...(from === undefined ? {} : { type: 'restore', key, snapshot: from, ...seen }),
          ...(backTo === undefined ? {} : { type: 'restoreBack', key, externalID: backTo, ...seen }),
          ...(undo ? { type: 'undoRestore', key } : {}),
        })
        if (!undo && !yes) {
          const content = from === undefined ? `external volume "${backTo}" back` : `snapshot "${from}"`
          await confirm(`${key} gets ${content}`, object)
        }
        const message = await admin.order(order, commandGiver())
        if (!wait) {
          printResult(output, { key, message }, message)
          return
        }
        const say = (line: string) => {
          if (output === 'text') process.stdout.write(`${line}\n`)
        }
        say(message)
        const outcome = await followRestore(admin, { key, object }, { timeoutMs, clock: systemClock }, say)
        if (output === 'json') printJSON({ key, message, outcome })
        process.exitCode = statusOf[outcome]
      })
    })
}

/** @throws UsageError where nobody says yes, or nobody can be asked */
async function confirm(what: string, object: ManagedObject | undefined): Promise<void> {
  if (!process.stdin.isTTY)
    throw new UsageError('nothing was done: there is no terminal to ask on, so say --yes to restore')
  const externalID = object?.status.externalID
  process.stdout.write(
    `${what}. External volume "${externalID}" holds what was written since then. It is kept, and taken out of Nomad.\n`,
  )
  const terminal = createInterface({ input: process.stdin, output: process.stdout })
  try {
    // Ctrl-C and Ctrl-D reject the question or leave it without an answer. Neither is a yes.
    const closed = once(terminal, 'close').then(() => '')
    const answer = await Promise.race([terminal.question('Restore? Write yes: ').catch(() => ''), closed])
    if (answer.trim() !== 'yes') throw new UsageError('nothing was done: the answer was not yes')
  } finally {
    terminal.close()
  }
}
