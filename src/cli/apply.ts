import process from 'node:process'
import { Command } from 'commander'
import { createLogUpdate } from 'log-update'
import { systemClock } from '../lib/clock.ts'
import type { NomadConnection } from '../nomad/connection.ts'
import type { StatusReport } from '../operator/admin/admin.ts'
import { followWork, isAtRest } from '../operator/admin/follow.ts'
import { openOperatorOnce } from '../operator/apply-once.ts'
import { operatorDirectory } from '../operator/settings.ts'
import { nomadConnectionOptions } from './nomad-options.ts'
import { type OperatorFlags, readOperatorSettings } from './operator-settings.ts'
import { operatorOptions, sourceOption, waitOptions } from './options.ts'
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
      'Makes everything as declared, as far as it goes without waiting. With --wait it goes on until everything is Ready ' +
        'or Stalled. Where an operator runs on the data directory, that one is asked to look at everything now.\n' +
        'Exit status: 0 everything is Ready, 1 something is Stalled, refused or invalid, 2 something is not done yet.',
    )
    .argument('[sources...]', 'folders or repositories; default: --source, or what the operator here reads')
    .addOption(sourceOption())
    .addOption(dataDirOption())
  for (const option of waitOptions('wait until everything is Ready or Stalled')) command.addOption(option)
  for (const option of [...nomadConnectionOptions(), ...operatorOptions()]) command.addOption(option)
  return command
    .addHelpText(
      'after',
      `
Examples:
  mooring apply volumes/ --wait
  mooring apply volumes/ --wait --prune --prune-delay 1s    also ends what is no longer declared`,
    )
    .action(async (given: readonly string[], flags: ApplyFlags) => {
      const source = given.length > 0 ? given : flags.source
      const { admin, close } = await openOperatorOnce(operatorDirectory(flags.dataDir), source, (source) =>
        readOperatorSettings({ ...flags, source, readOnly: false }),
      )
      try {
        const { wait, timeout: timeoutMs } = flags
        const progress = createProgress()
        const report = await followWork(admin, { wait, timeoutMs, clock: systemClock }, progress.update)
        progress.end(report)
        process.exitCode = exitStatusOf(report)
      } finally {
        await close()
      }
    })
}

function exitStatusOf({ rows }: StatusReport): number {
  if (rows.some(({ state }) => state === 'Stalled' || state === 'Refused' || state === 'Invalid')) return 1
  return rows.every(isAtRest) ? 0 : 2
}

interface Progress {
  update(report: StatusReport): void
  end(report: StatusReport): void
}

/** On a terminal a bar above the table; elsewhere a line for each change. */
function createProgress(): Progress {
  return process.stdout.isTTY ? createLiveProgress() : createLineProgress()
}

function createLiveProgress(): Progress {
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

function createLineProgress(): Progress {
  const said = new Map<string, string>()
  const update = ({ rows }: StatusReport) => {
    const titles = new Set(rows.map(({ kind, name }) => `${kind} ${name}`))
    for (const title of [...said.keys()].filter((each) => !titles.has(each))) {
      said.delete(title)
      process.stdout.write(`${title}: ended\n`)
    }
    for (const { kind, name, state, reason, message } of rows) {
      const title = `${kind} ${name}`
      const line = `${title}: ${state} (${reason})${state === 'Ready' ? '' : ` ${message}`}`
      if (reason !== 'New' && said.get(title) !== line) process.stdout.write(`${line.trimEnd()}\n`)
      said.set(title, line)
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
