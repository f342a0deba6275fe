import process from 'node:process'
import { createInterface } from 'node:readline/promises'
import { Command, Option } from 'commander'
import { systemClock } from '../lib/clock.ts'
import { UsageError } from '../lib/errors.ts'
import type { Admin } from '../operator/admin/admin.ts'
import type { ManagedObject } from '../operator/admin/managed-object.ts'
import { parseOrder } from '../operator/orders/order.ts'
import type { Key } from '../operator/plan/identity.ts'
import { withAdmin } from '../operator/with-admin.ts'
import { parseDurationOption } from './options.ts'
import { describeTarget, parseTarget, type TargetFlags, targetArgument, targetOptions } from './target.ts'

interface RestoreFlags extends TargetFlags {
  readonly from?: string
  readonly backTo?: string
  readonly undo: boolean
  readonly yes: boolean
  readonly wait: boolean
  /** Milliseconds. */
  readonly timeout: number
}

/** `mooring restore`: the content of a snapshot under the same volume ID. */
export function restoreCommand(): Command {
  const command = new Command('restore')
    .summary('put a volume made from a snapshot in the place of the one there is, under the same ID')
    .description(
      'Takes the volume out of Nomad, creates one from the snapshot under another CSI name, and registers that under\n' +
        'the same volume ID. The external volume before it is kept: mooring describe and mooring orphans list it as\n' +
        'replaced. Refused while the volume is in use; where claims appear in between, or the plugin refuses for good,\n' +
        'it is called off and the volume before it is put back by itself. --undo calls off one that cannot go on;\n' +
        'of one that is done --back-to takes the volume before it back, under the same rules.\n' +
        'Exit status: 0 ordered, with --wait restored; 1 refused, with --wait not restored; 2 not done in time.',
    )
    .argument(targetArgument, describeTarget('Volume'))
    .addOption(
      new Option(
        '--from <snapshot>',
        "name of a declared snapshot or of a schedule's, else a snapshot ID of the volume's plugin",
      ),
    )
    .addOption(
      new Option(
        '--back-to <external volume>',
        'put this one, which a restore replaced, in its place again; mooring describe lists them',
      ),
    )
    .option('--undo', 'call off the restore that is ordered or under way', false)
    .option('--yes', 'do not ask on the terminal', false)
    .option('--wait', 'follow the restore to its end', false)
    .addOption(
      new Option('--timeout <duration>', 'with --wait: how long at most')
        .argParser(parseDurationOption)
        .default(300_000, '5m'),
    )
  for (const option of targetOptions()) command.addOption(option)
  return command
    .addHelpText(
      'after',
      `
Examples:
  mooring restore postgres-data --from before-upgrade --wait
  mooring restore prod/postgres-data --from nightly:postgres-data:20260802T030000Z --yes
  mooring restore postgres-data --undo
  mooring restore postgres-data --back-to postgres-data-e3324aef68 --wait`,
    )
    .action((words: readonly string[], flags: RestoreFlags) =>
      withAdmin(flags, async ({ admin, running }) => {
        const key = parseTarget(words, flags.namespace, 'Volume')
        const { from, backTo, undo, wait } = flags
        if ([from !== undefined, backTo !== undefined, undo].filter(Boolean).length !== 1)
          throw new UsageError('say --from SNAPSHOT, --back-to EXTERNAL-VOLUME, or --undo')
        if (wait && !running) throw new UsageError('no operator runs here, so there is nothing to wait for')
        const before = find(await admin.objects(), key)
        if (!undo && !flags.yes) {
          const content =
            backTo === undefined ? `the content of snapshot "${from}"` : `external volume "${backTo}" back`
          await confirm(key, content, before)
        }
        const order = parseOrder({
          ...(from === undefined ? {} : { type: 'restore', key, snapshot: from }),
          ...(backTo === undefined ? {} : { type: 'restoreBack', key, externalID: backTo }),
          ...(undo ? { type: 'undoRestore', key } : {}),
        })
        process.stdout.write(`${await admin.order(order)}\n`)
        if (wait) process.exitCode = await follow(admin, key, before, flags.timeout)
      }),
    )
}

function find(objects: readonly ManagedObject[], key: Key): ManagedObject | undefined {
  return objects.find(({ status }) => status.key === key)
}

/** @throws UsageError where nobody says yes, or nobody can be asked */
async function confirm(key: Key, content: string, object: ManagedObject | undefined): Promise<void> {
  if (!process.stdin.isTTY) throw new UsageError('nobody can be asked here: say --yes to restore')
  const externalID = object?.status.externalID
  process.stdout.write(
    `${key} gets ${content}. What was written since then is in external volume "${externalID}", which is kept and taken out of Nomad.\n`,
  )
  const terminal = createInterface({ input: process.stdin, output: process.stdout })
  try {
    if ((await terminal.question('Restore? Write yes: ')).trim() !== 'yes') {
      throw new UsageError('nothing was done')
    }
  } finally {
    terminal.close()
  }
}

/** Prints each change until the restore has ended. @returns the exit status */
async function follow(
  admin: Pick<Admin, 'objects' | 'status'>,
  key: Key,
  before: ManagedObject | undefined,
  timeoutMs: number,
): Promise<number> {
  let hasTimedOut = false
  let cancel = () => {}
  const timedOut = new Promise<void>((resolve) => {
    cancel = systemClock.after(timeoutMs, () => {
      hasTimedOut = true
      resolve()
    })
  })
  let said = ''
  try {
    for (;;) {
      const { version } = await admin.status()
      const status = find(await admin.objects(), key)?.status
      const { lastRestore, conditions = [] } = status ?? {}
      if (lastRestore !== undefined && lastRestore.time !== before?.status.lastRestore?.time) {
        process.stdout.write(`${lastRestore.outcome}: ${lastRestore.message}\n`)
        return lastRestore.outcome === 'Restored' ? 0 : 1
      }
      const [ready] = conditions
      const line = ready === undefined ? '' : `${ready.reason}: ${ready.message}`
      if (status?.restoring !== undefined && line !== said) {
        process.stdout.write(`${line}\n`)
        said = line
      }
      if (hasTimedOut) return 2
      // The request that waits for a change ends with the connection, where nobody waits for it any more.
      await Promise.race([admin.status(version).catch(() => undefined), timedOut])
    }
  } finally {
    cancel()
  }
}
