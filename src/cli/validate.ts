import { readFileSync } from 'node:fs'
import process from 'node:process'
import { text as readAll } from 'node:stream/consumers'
import { Command } from 'commander'
import { kindNames, listOr } from '../lib/declared-kinds.ts'
import { formatPlace, type Problem } from '../operator/declare/declaration.ts'
import { apiVersion } from '../operator/declare/document.ts'
import { type Validation, validateDeclarations } from '../operator/validate-declarations.ts'
import { formatExcerpt } from './excerpt.ts'
import { exitStatus } from './exit-status.ts'
import { readVariables, type VariableFlags } from './operator-settings.ts'
import { variableOptions } from './options.ts'
import { outputOption, printJSON } from './output.ts'
import { widthOf } from './wrap.ts'

/** What `--output json` prints. */
interface Report {
  readonly valid: boolean
  readonly declarations: number
  /** How many documents belong to other tools. */
  readonly skipped: number
  readonly problems: readonly Finding[]
  /** What stands there and has no effect. It makes nothing invalid. */
  readonly warnings: readonly Finding[]
}

interface Finding {
  /** As the path was given; `<stdin>` for `-`. */
  readonly file: string
  readonly line: number
  readonly column: number
  /** Empty where the whole document is meant. */
  readonly field: string
  readonly message: string
}

/** `mooring validate`: reads declarations as the operator would, asks nobody, and says what is wrong where. */
export function validateCommand(): Command {
  const command = new Command('validate')
    .description(
      'Reads files and folders as the operator would, without Nomad. Names every mistake with its file, line, column, ' +
        'field and remedy.',
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
      const validation = await validateDeclarations(paths, readVariables(flags), () => readAll(process.stdin))
      if (flags.output === 'json') printJSON(reportOf(validation))
      else print(validation)
      process.exitCode = validation.problems.length === 0 ? exitStatus.done : exitStatus.failed
    })
}

function reportOf({ declarations, skipped, problems, warnings }: Validation): Report {
  const valid = problems.length === 0
  return {
    ...{ valid, declarations, skipped },
    problems: problems.map(findingOf),
    warnings: warnings.map(findingOf),
  }
}

function findingOf({ place, field, message }: Problem): Finding {
  const { source, file, line, column } = place
  return { file: file === '' ? source : `${source}/${file}`, line, column, field, message }
}

/** The line of a mistake with a mark beneath its column; empty where the file cannot be read again. */
function excerptOf(problem: Problem): readonly string[] {
  const { file, line, column } = findingOf(problem)
  try {
    return formatExcerpt(readFileSync(file, 'utf8'), line, column, widthOf(process.stdout)) ?? []
  } catch {
    // The message has said all that is needed. Standard input has no file.
    return []
  }
}

function print({ declarations, skipped, problems, warnings }: Validation): void {
  const write = (problem: Problem, kind = '') => {
    const { place, field, message } = problem
    process.stdout.write(`${formatPlace(place)}: ${kind}${field === '' ? '' : `${field}: `}${message}\n`)
    const excerpt = process.stdout.isTTY ? excerptOf(problem) : []
    for (const line of excerpt) process.stdout.write(`${line}\n`)
  }
  for (const problem of problems) write(problem)
  for (const warning of warnings) write(warning, 'warning: ')
  const count = (number: number, one: string, several = `${one}s`) =>
    `${number} ${number === 1 ? one : several}`
  const passedOver = skipped === 0 ? '' : `, ${count(skipped, 'document')} of other tools skipped`
  process.stderr.write(
    problems.length === 0
      ? `${count(declarations, 'declaration is', 'declarations are')} valid${passedOver}\n`
      : `${count(problems.length, 'mistake')}; ${count(declarations, 'declaration')} can be used${passedOver}\n`,
  )
  if (problems.length === 0 && declarations === 0 && skipped > 0)
    process.stderr.write(
      `Nothing here is for Mooring: a declaration begins with apiVersion: ${apiVersion} and kind: ${listOr(kindNames)}\n`,
    )
}
