import process from 'node:process'
import { Command } from 'commander'
import { findObject } from '../operator/admin/follow.ts'
import type { ManagedObject, ObjectOrder, ObjectStep } from '../operator/admin/managed-object.ts'
import { withAdmin } from '../operator/with-admin.ts'
import { notDeclared, tellIfOld } from './answered.ts'
import { formatYAML, outputOption, printJSON } from './output.ts'
import { parseTarget, TargetArgument, type TargetFlags, targetOptions } from './target.ts'

interface DescribeFlags extends TargetFlags {
  readonly output: 'text' | 'json' | 'yaml'
}

/** `mooring describe`: tells a person where one declaration stands, why, and what was done for it. */
export function describeCommand(): Command {
  const command = new Command('describe')
    .description(
      'Tells where a declaration stands and why, and shows the latest steps that were taken for it.',
    )
    .addArgument(new TargetArgument('Volume'))
    .addOption(outputOption('text', 'json', 'yaml'))
  for (const option of targetOptions()) command.addOption(option)
  return command
    .addHelpText(
      'after',
      `
Examples:
  mooring describe volume postgres-data
  mooring describe snapshot prod/before-upgrade`,
    )
    .action(async (words: readonly string[], flags: DescribeFlags) => {
      const key = parseTarget(words, flags.namespace, 'Volume')
      return withAdmin(flags, async (open) => {
        const { admin } = open
        const object = await findObject(admin, key)
        if (object === undefined) throw notDeclared(key, (await admin.status()).rows)
        tellIfOld(open, flags.dataDir)
        if (flags.output === 'json') printJSON(object)
        else process.stdout.write(flags.output === 'yaml' ? formatYAML(object) : describeObject(object))
      })
    })
}

/** The object in sections, to be read from top to bottom. */
export function describeObject({ kind, metadata, spec, status }: ManagedObject): string {
  const { conditions, history, orders = [], ...facts } = status
  const ready = conditions.find(({ type }) => type === 'Ready')
  const sections = [
    `${kind} ${facts.key.slice(kind.length + 1)} (${metadata.name})`,
    ...(ready === undefined
      ? ['No pass has looked at it yet.']
      : [`${ready.reason} since ${ready.lastTransitionTime}`, `  ${ready.message}`]),
    '',
    'Facts:',
    ...indent(formatYAML(facts)),
    'Declared:',
    ...indent(formatYAML({ ...(metadata.labels === undefined ? {} : { labels: metadata.labels }), ...spec })),
    ...(conditions.length === 0 ? [] : ['Conditions:']),
    ...conditions.map(
      ({ type, status, lastTransitionTime }) =>
        `  ${type.padEnd(12)} ${status.padEnd(7)} since ${lastTransitionTime}`,
    ),
    ...(orders.length === 0 ? [] : ['Orders, newest first:']),
    ...orders.flatMap(describeOrder),
    history.length === 0 ? 'History: no step was taken.' : 'History, newest first:',
    ...history.flatMap(describeStep),
  ]
  return `${sections.join('\n')}\n`
}

function describeOrder({ time, order, by, message }: ObjectOrder): string[] {
  const who = by === undefined ? '' : `  by ${by.user ?? 'somebody'} (${by.via})`
  return [`  ${time}  ${order}${who}`, `    ${message}`]
}

function describeStep({ time, step, outcome, why, error, times }: ObjectStep): string[] {
  const often = times === 1 ? '' : ` (${times} times)`
  return [
    `  ${time}  ${step}  ${outcome}${often}`,
    `    ${why}`,
    ...(error === undefined ? [] : [`    error: ${error}`]),
  ]
}

function indent(text: string): string[] {
  return text
    .trimEnd()
    .split('\n')
    .map((line) => `  ${line}`)
}
