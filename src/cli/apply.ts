import process from 'node:process'
import { Command } from 'commander'
import { createLogUpdate } from 'log-update'
import { systemClock } from '../lib/clock.ts'
import type { NomadConnection } from '../nomad/connection.ts'
import type { StatusReport } from '../operator/admin/admin.ts'
import { followWork, isAtRest } from '../operator/admin/follow.ts'
import { openOperatorOnce } from '../operator/apply-once.ts'
import { operatorDirectory } from '../operator/operator-directory.ts'
import { exitStatus } from './exit-status.ts'
import { nomadConnectionOptions } from './nomad-options.ts'
import { type LoopFlags, readOperatorSettings } from './operator-settings.ts'
import { loopOptions, sourceOption, waitOptions } from './options.ts'
import { outputOption, printJSON } from './output.ts'
import { formatProgress } from './progress.ts'
import { formatTable, tableOptionsFor } from './table.ts'
import { dataDirOption } from './target.ts'

interface ApplyFlags extends LoopFlags, NomadConnection {
  readonly source?: readonly string[]
  readonly dataDir: string
  readonly wait: boolean
  readonly output: 'text' | 'json'
  /** Milliseconds. */
  readonly timeout: number
}

/** `mooring apply`: what the operator does, once. */
export function applyCommand(): Command {
  const command = new Command('apply')
    .description(
      'Makes everything as declared, as far as it goes without waiting. With --wait it goes on until everything is Ready ' +
        'or Stalled. Where an operator runs on the data directory, that one is asked to look at everything now.\n' +
        'It ends with 0 where everything is Ready, with 1 where something is Stalled, refused or invalid, and with 3 where something is not done yet.',
    )
    .argument('[sources...]', 'folders or repositories; default: --source, or what the operator here reads')
    .addOption(sourceOption())
    .addOption(dataDirOption())
    .addOption(outputOption('text', 'json'))
  for (const option of waitOptions('wait until everything is Ready or Stalled')) command.addOption(option)
  for (const option of [...nomadConnectionOptions(), ...loopOptions()]) command.addOption(option)
  return command
    .addHelpText(
      'after',
      `
Examples:
  mooring apply volumes/ --wait
  mooring apply --wait --prune --prune-delay 1s   also ends what was removed`,
    )
    .action(async (given: readonly string[], flags: ApplyFlags) => {
      const source = given.length > 0 ? given : flags.source
      const { admin, close } = await openOperatorOnce(operatorDirectory(flags.dataDir), source, (source) =>
        readOperatorSettings({ ...flags, source, readOnly: false }),
      )
      try {
        const { wait, timeout: timeoutMs } = flags
        const progress = flags.output === 'json' ? noProgress : createProgress()
        const report = await followWork(admin, { wait, timeoutMs, clock: systemClock }, progress.update)
        progress.end(report)
        if (flags.output === 'json') printJSON({ rows: report.rows })
        process.exitCode = exitStatusOf(report)
      } finally {
        await close()
      }
    })
}

function exitStatusOf({ rows }: StatusReport): number {
  if (rows.some(({ state }) => state === 'Stalled' || state === 'Refused' || state === 'Invalid'))
    return exitStatus.failed
  return rows.every(isAtRest) ? exitStatus.done : exitStatus.differences
}

interface Progress {
  update(report: StatusReport): void
  end(report: StatusReport): void
}

const noProgress: Progress = { update: () => {}, end: () => {} }

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
