import process from 'node:process'
import { Command, Option } from 'commander'
import { createLogUpdate } from 'log-update'
import { systemClock } from '../lib/clock.ts'
import { UsageError } from '../lib/errors.ts'
import { silentLog } from '../lib/log.ts'
import type { NomadConnection } from '../nomad/connection.ts'
import type { Admin, StatusReport } from '../operator/admin/admin.ts'
import { connectAdmin } from '../operator/admin/admin-client.ts'
import type { Row } from '../operator/admin/row.ts'
import { runOperator } from '../operator/operator.ts'
import { operatorDirectory } from '../operator/settings.ts'
import { sourceName } from '../operator/sources/open-sources.ts'
import { nomadConnectionOptions } from './nomad-options.ts'
import { type OperatorFlags, readOperatorSettings } from './operator-settings.ts'
import { operatorOptions, parseDurationOption, sourceOption } from './options.ts'
import { formatProgress } from './progress.ts'
import { formatTable, tableOptionsFor } from './table.ts'
import { dataDirOption } from './target.ts'

interface ApplyFlags extends OperatorFlags, NomadConnection {
  readonly source?: readonly string[]
  readonly dataDir: string
  readonly wait: boolean
  /** Milliseconds. */
  readonly timeout: number
}

/** `mooring apply`: what the operator does, once. */
export function applyCommand(): Command {
  const command = new Command('apply')
    .summary('do once what the operator does, and end')
    .description(
      'Makes everything as declared, as far as it goes without waiting; with --wait until everything is Ready or\n' +
        'Stalled. Where an operator runs on the data directory, it is asked to look at everything now.\n' +
        'Exit status: 0 everything is Ready, 1 something is Stalled, refused or invalid, 2 something is not done yet.',
    )
    .argument('[sources...]', 'folders or repositories; default: --source, or what the operator here reads')
    .addOption(sourceOption())
    .addOption(dataDirOption())
    .option('--wait', 'wait until everything is Ready or Stalled', false)
    .addOption(
      new Option('--timeout <duration>', 'with --wait: how long at most')
        .argParser(parseDurationOption)
        .default(300_000, '5m'),
    )
  for (const option of [...nomadConnectionOptions(), ...operatorOptions()]) command.addOption(option)
  return command
    .addHelpText(
      'after',
      `
Examples:
  mooring apply volumes/ --wait
  mooring apply volumes/ --wait --prune --prune-delay 1s    ends what is no longer declared, too`,
    )
    .action(async (given: readonly string[], flags: ApplyFlags) => {
      const source = given.length > 0 ? given : flags.source
      const running = await connectAdmin(operatorDirectory(flags.dataDir))
      if (running !== undefined) {
        try {
          await assertSameSource(running, source)
          process.exitCode = await follow(running, flags)
        } finally {
          await running.close()
        }
        return
      }
      if (source === undefined) throw new UsageError('say which folder: mooring apply FOLDER, or --source')
      const settings = readOperatorSettings({ ...flags, source, readOnly: false })
      const operator = await runOperator(settings, { log: silentLog })
      try {
        process.exitCode = await follow(operator.admin, flags)
      } finally {
        await operator.close()
      }
    })
}

async function assertSameSource(running: Admin, source: readonly string[] = []): Promise<void> {
  const { sources, readOnly, processID } = await running.info()
  if (readOnly) throw new UsageError(`the operator that runs here (process ${processID}) is --read-only`)
  if (!source.map(sourceName).every((name) => sources.includes(name))) {
    throw new UsageError(
      `an operator runs here (process ${processID}) and reads ${sources.join(', ')}: change that, or give another --data-dir`,
    )
  }
}

/** Follows the work to its end. @returns the exit status */
async function follow(admin: Admin, { wait, timeout }: ApplyFlags): Promise<number> {
  const show = createProgress()
  let isSettled = false
  let hasTimedOut = false
  const settled = admin.reconcile().then(() => {
    isSettled = true
  })
  // A failure is heard in the race below; after the time limit nobody waits for it.
  settled.catch(() => {})
  let cancelTimeout = () => {}
  const timedOut = new Promise<void>((resolve) => {
    cancelTimeout = systemClock.after(timeout, () => {
      hasTimedOut = true
      resolve()
    })
  })
  let report = await admin.status()
  for (;;) {
    show.update(report)
    if (hasTimedOut || (isSettled && (!wait || report.rows.every(isAtRest)))) break
    // The request that waits for a change ends with the connection, where nobody waits for it any more.
    const changed = admin.status(report.version).catch(() => undefined)
    await Promise.race([changed, ...(isSettled ? [] : [settled]), ...(wait ? [timedOut] : [])])
    report = await admin.status()
  }
  cancelTimeout()
  show.end(report)
  return statusOf(report)
}

function isAtRest({ state }: Row): boolean {
  return state !== 'Reconciling'
}

function statusOf({ rows }: StatusReport): number {
  if (rows.some(({ state }) => state === 'Stalled' || state === 'Refused' || state === 'Invalid')) return 1
  return rows.every(isAtRest) ? 0 : 2
}

/** A bar above the table on a terminal; elsewhere a line for whatever changes. */
function createProgress(): { update(report: StatusReport): void; end(report: StatusReport): void } {
  if (process.stdout.isTTY) {
    const draw = createLogUpdate(process.stdout)
    const update = ({ rows }: StatusReport) =>
      draw(`${formatProgress(rows)}\n\n${formatTable(rows, tableOptionsFor(process.stdout))}`)
    return {
      update,
      end(report) {
        update(report)
        draw.done()
      },
    }
  }
  const said = new Map<string, string>()
  const update = ({ rows }: StatusReport) => {
    for (const { kind, name, state, reason, message } of rows) {
      const line = `${kind} ${name}: ${state} (${reason})${state === 'Ready' ? '' : ` ${message}`}`
      if (reason !== 'New' && said.get(`${kind} ${name}`) !== line)
        process.stdout.write(`${line.trimEnd()}\n`)
      said.set(`${kind} ${name}`, line)
    }
  }
  return {
    update,
    end(report) {
      update(report)
      process.stdout.write(`${formatProgress(report.rows)}\n`)
    },
  }
}
