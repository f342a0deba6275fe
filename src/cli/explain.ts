import process from 'node:process'
import { Command } from 'commander'
import { UsageError } from '../lib/errors.ts'
import { type Names, placeholders } from '../lib/reasons/explanation.ts'
import { findReason, guessReason } from '../lib/reasons/find-reason.ts'
import { explanationOf, reasonGroups, reasons } from '../lib/reasons/reasons.ts'
import { shellCommand } from '../lib/shell-command.ts'
import type { ManagedObject } from '../operator/admin/managed-object.ts'
import type { Row } from '../operator/admin/row.ts'
import type { OpenAdmin } from '../operator/with-admin.ts'
import { notDeclared, tellIfOld } from './answered.ts'
import {
  type Explained,
  fillFromMessage,
  formatExplanation,
  presentExplanation,
} from './format-explanation.ts'
import { formatYAML, outputOption, printJSON } from './output.ts'
import {
  describeTarget,
  isInstanceRowOf,
  isRowOf,
  kindWordOf,
  parseTarget,
  TargetArgument,
  type TargetFlags,
  targetOptions,
} from './target.ts'
import { widthOf } from './wrap.ts'

interface ExplainFlags extends TargetFlags {
  readonly output: 'text' | 'json' | 'yaml'
}

/** `mooring explain`: what a reason means and what to do about it, in general or for one declaration as it stands. */
export function explainCommand(): Command {
  const command = new Command('explain')
    .description(
      'Says of a reason what happened, what it means for the data, what Mooring does by itself and what you can do. ' +
        'Of a declaration, explains its present state, with its own names in the commands. Without a word, lists all reasons.',
    )
    .addArgument(
      new TargetArgument('Volume', `a reason such as Vanished; or ${describeTarget('Volume')}`, '[words...]'),
    )
    .addOption(outputOption('text', 'json', 'yaml'))
  for (const option of targetOptions()) command.addOption(option)
  return command
    .addHelpText(
      'after',
      `
Examples:
  mooring explain Vanished
  mooring explain volume postgres-data
  mooring explain -o json | jq -r '.explanations[].reason'`,
    )
    .action(async (words: readonly string[], flags: ExplainFlags) => {
      const [word] = words
      const reason = words.length === 1 && word !== undefined ? findReason(word) : undefined
      if (word === undefined) list(flags)
      else if (reason !== undefined)
        print([{ reason, explanation: reasons[reason], names: placeholders }], flags, '')
      else await explainTarget(words, flags, command)
    })
}

function list(flags: ExplainFlags): void {
  if (flags.output !== 'text') {
    const all = Object.entries(reasons).map(([reason, explanation]) => ({
      reason,
      explanation,
      names: placeholders,
    }))
    print(all, flags, '')
    return
  }
  const width = Math.max(...Object.keys(reasons).map((reason) => reason.length))
  const lines = reasonGroups.flatMap((group) => [
    `${group.title}:`,
    ...Object.entries(group.reasons).map(
      ([reason, { happened }]) => `  ${reason.padEnd(width)}  ${happened}`,
    ),
    '',
  ])
  process.stdout.write(`${lines.join('\n')}\nmooring explain REASON says what to do about one.\n`)
}

async function explainTarget(words: readonly string[], flags: ExplainFlags, command: Command): Promise<void> {
  const [word = ''] = words
  const guess = words.length === 1 ? guessReason(word) : undefined
  if (guess !== undefined && /^[A-Z][A-Za-z]*$/.test(word)) throw new UsageError(noReason(word, guess))
  const key = parseTarget(words, flags.namespace, 'Volume')
  // Loaded here, so that a reason is explained without the operator's code.
  const { withAdmin } = await import('../operator/with-admin.ts')
  try {
    await withAdmin(flags, async (open) => {
      const all = (await open.admin.status()).rows
      const rows = all.filter((row) => isRowOf(row, key) || isInstanceRowOf(row, key))
      if (rows.length === 0) throw notDeclared(key, all)
      tellIfOld(open, flags.dataDir)
      print(await explainRows(rows, open), flags, whereOf(flags, command))
    })
  } catch (error) {
    if (guess === undefined || !(error instanceof UsageError)) throw error
    throw new UsageError(`${noReason(word, guess)}. As a volume: ${error.message}`, { cause: error })
  }
}

function noReason(word: string, guess: string): string {
  return `"${word}" is not a reason: do you mean ${guess}? To explain a volume of that name, write volume ${word}`
}

async function explainRows(rows: readonly Row[], { admin }: OpenAdmin): Promise<Explained[]> {
  const objects = await admin.objects()
  return rows.map((row) => {
    const { kind, name, state, reason, message } = row
    const explanation = explanationOf(reason)
    if (explanation === undefined)
      throw new UsageError(`${kind} ${name} has the reason ${reason}, which this release does not know`)
    const object = objects.find(({ status }) => status.key === `${kind}/${name}`)
    const names = fillFromMessage(message, explanation, namesOf(row, object))
    return { reason, explanation, names, of: { kind, name, state, message } }
  })
}

function namesOf(
  { kind, name, pluginID, externalID, cluster }: Row,
  object: ManagedObject | undefined,
): Names {
  const [namespace = '', ...id] = name.split('/')
  const [nodeID, ...others] = object?.status.attachedNodes ?? []
  const known: Partial<Names> = {
    ...(pluginID === '' ? {} : { pluginID }),
    ...(externalID === '' ? {} : { externalID }),
    ...(nodeID === undefined || others.length > 0 ? {} : { nodeID }),
    ...(cluster === undefined ? {} : { cluster }),
  }
  return { ...placeholders, kind: kindWordOf(kind), target: name, namespace, id: id.join('/'), ...known }
}

/** The flags that say which operator was asked, for the commands that are printed. */
function whereOf({ dataDir, cluster }: ExplainFlags, command: Command): string {
  const isGiven = command.getOptionValueSource('dataDir') === 'cli'
  return [
    ...(isGiven ? [shellCommand('--data-dir', dataDir)] : []),
    ...(cluster === undefined ? [] : [shellCommand('--cluster', cluster)]),
  ].join(' ')
}

function print(explained: readonly Explained[], { output }: ExplainFlags, at: string): void {
  const document = { explanations: explained.map((each) => presentExplanation(each, at)) }
  if (output === 'json') printJSON(document)
  else if (output === 'yaml') process.stdout.write(formatYAML(document))
  else {
    const width = Math.min(widthOf(process.stdout), 100)
    process.stdout.write(`${explained.map((each) => formatExplanation(each, width, at)).join('\n\n')}\n`)
  }
}
