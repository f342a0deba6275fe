import process from 'node:process'
import { text as readAll } from 'node:stream/consumers'
import { Command } from 'commander'
import { systemClock } from '../lib/clock.ts'
import { silentLog } from '../lib/log.ts'
import { type Declaration, formatPlace, type Problem } from '../operator/declare/declaration.ts'
import { planOwnership } from '../operator/desired/ownership.ts'
import { createFileSource } from '../operator/sources/files.ts'
import { createParse } from '../operator/sources/open-sources.ts'
import type { ParseFile } from '../operator/sources/source.ts'
import { readVariables, type VariableFlags } from './operator-settings.ts'
import { variableOptions } from './options.ts'
import { outputOption, printJSON } from './output.ts'

/** What `--output json` prints. */
interface Report {
  readonly valid: boolean
  readonly declarations: number
  /** Documents that belong to others. */
  readonly skipped: number
  readonly problems: readonly Finding[]
  /** What stands there to no effect; it makes nothing invalid. */
  readonly warnings: readonly Finding[]
}

interface Finding {
  /** As the path was given; `<stdin>` for `-`. */
  readonly file: string
  readonly line: number
  readonly column: number
  /** Empty where the document as a whole is meant. */
  readonly field: string
  readonly message: string
}

/** `mooring validate`: reads declarations as the operator would, asks nobody, and says what is wrong where. */
export function validateCommand(): Command {
  const command = new Command('validate')
    .summary('check declarations, offline')
    .description(
      'Reads files and folders as the operator would, without Nomad, and names every mistake with its file, line,\n' +
        'column, field and remedy. Exit status: 0 all is valid, 1 something is not.',
    )
    .argument('<path...>', 'folders or files; - reads standard input')
    .addOption(outputOption('text', 'json'))
  for (const option of variableOptions()) command.addOption(option)
  return command
    .addHelpText(
      'after',
      `
Examples:
  mooring validate volumes/                      everything beneath a folder
  mooring import | mooring validate -            what another command writes
  mooring validate --output json . | jq .valid   for a script or an editor`,
    )
    .action(async (paths: readonly string[], flags: VariableFlags & { output: 'text' | 'json' }) => {
      const parse = createParse(readVariables(flags))
      const readings = []
      for (const path of paths) readings.push(await read(path, parse))
      const declarations = readings.flatMap((reading) => reading.declarations)
      const problems = [...readings.flatMap((reading) => reading.problems), ...findClashes(declarations)]
      const skipped = readings.reduce((sum, reading) => sum + reading.skipped, 0)
      const warnings = readings.flatMap((reading) => reading.warnings)
      if (flags.output === 'json') printJSON(report(declarations.length, skipped, problems, warnings))
      else print(declarations.length, skipped, problems, warnings)
      process.exitCode = problems.length === 0 ? 0 : 1
    })
}

async function read(
  path: string,
  parse: ParseFile,
): Promise<{
  readonly declarations: readonly Declaration[]
  readonly problems: readonly Problem[]
  readonly warnings: readonly Problem[]
  readonly skipped: number
}> {
  if (path === '-') return parse(await readAll(process.stdin), { source: '<stdin>', file: '' })
  const source = createFileSource({ path, clock: systemClock, log: silentLog, parse })
  try {
    return await source.read()
  } finally {
    await source.close()
  }
}

/** What is wrong between declarations that are each right: two of one identity, name or external volume. */
function findClashes(declarations: readonly Declaration[]): Problem[] {
  // The region is part of chosen names, and equal for all of them.
  return planOwnership(declarations, new Map(), 'global').refusals.map(({ declaration, message }) => ({
    place: declaration.place,
    field: '',
    message,
  }))
}

function report(
  declarations: number,
  skipped: number,
  problems: readonly Problem[],
  warnings: readonly Problem[],
): Report {
  const findings = (list: readonly Problem[]) =>
    list.map(({ place, field, message }) => ({
      file: place.file === '' ? place.source : `${place.source}/${place.file}`,
      line: place.line,
      column: place.column,
      field,
      message,
    }))
  return {
    valid: problems.length === 0,
    declarations,
    skipped,
    problems: findings(problems),
    warnings: findings(warnings),
  }
}

function print(
  declarations: number,
  skipped: number,
  problems: readonly Problem[],
  warnings: readonly Problem[],
): void {
  const write = ({ place, field, message }: Problem, kind = '') =>
    process.stdout.write(`${formatPlace(place)}: ${kind}${field === '' ? '' : `${field}: `}${message}\n`)
  for (const problem of problems) write(problem)
  for (const warning of warnings) write(warning, 'warning: ')
  const passedOver = skipped === 0 ? '' : `, ${skipped} documents of others passed over`
  process.stderr.write(
    problems.length === 0
      ? `${declarations} declarations are valid${passedOver}\n`
      : `${problems.length} mistakes; ${declarations} declarations can be used${passedOver}\n`,
  )
}
