import { styleText } from 'node:util'
import { presentDeclaration } from '../operator/declare/present-declaration.ts'
import { formatQuantity } from '../operator/declare/quantities.ts'
import type { StepEffect } from '../operator/plan/step-effect.ts'
import type { FieldDifference } from '../operator/plan/volume-difference.ts'
import type { Plan, PlannedNothing, PlannedStep } from '../operator/plan-once.ts'
import { formatYAML } from './output.ts'

const signs: Readonly<Record<StepEffect, string>> = { make: '+', change: '~', 'take over': '=', end: '-' }
const colours = { '+': 'green', '~': 'yellow', '=': 'cyan', '-': 'red', '!': 'red', '?': 'yellow' } as const

/** The plan for a person to read. Each step says what it may mean for data. */
export function formatPlan(plan: Plan, isColoured: boolean): string {
  const { steps, waiting, stalled, held, asDeclared } = plan
  const blocks = [
    ...steps.map(formatStep),
    ...together(waiting).map((each) => formatNothing('?', 'waits', each)),
    ...together(stalled).map((each) => formatNothing('!', 'needs a person', each)),
    ...together(held.filter(isOfHere)).map((each) => formatNothing('·', 'is left as it is', each)),
    ...formatElsewhere(held.filter((each) => !isOfHere(each))),
  ]
  const count = (effect: StepEffect) => steps.filter((step) => step.effect === effect).length
  const parts = [
    [count('make'), 'to make'],
    [count('take over'), 'to take over'],
    [count('change'), 'to change'],
    [count('end') + [...waiting, ...stalled].filter(isEnd).length, 'to end'],
    [waiting.filter((each) => !isEnd(each)).length, 'waiting'],
    [stalled.filter((each) => !isEnd(each)).length, 'for a person'],
    [held.length, 'left as they are'],
    [asDeclared, 'as declared'],
  ] as const
  const told = parts.filter(([number]) => number > 0).map(([number, what]) => `${number} ${what}`)
  const summary = told.length === 0 ? 'Nothing is declared, and nothing is managed.' : `${told.join(', ')}.`
  return [...blocks.flatMap((lines) => [...lines.map(paint), '']), summary].join('\n')

  function paint(line: string): string {
    const sign = /^\s*([-+~=!?]) /.exec(line)?.[1] as keyof typeof colours | undefined // One of the signs.
    return isColoured && sign !== undefined ? styleText(colours[sign], line, { validateStream: false }) : line
  }
}

/** The plan may read fewer sources than the operator does. What these declare is no part of it. */
function isOfHere({ reason }: PlannedNothing): boolean {
  return reason !== 'SourceNotRead'
}

function formatElsewhere(elsewhere: readonly PlannedNothing[]): string[][] {
  if (elsewhere.length === 0) return []
  const { length } = elsewhere
  return [
    [
      `· ${length} of sources that are not read here: left as ${length === 1 ? 'it is' : 'they are'} (SourceNotRead)`,
    ],
  ]
}

/** More names in one line help nobody. */
const mostKeys = 5

/** What waits for the same, such as a Nomad that does not answer, is told once. */
function together(all: readonly PlannedNothing[]): PlannedNothing[] {
  const groups = Map.groupBy(all, ({ key, reason, message, differences, endRisk }) =>
    differences.length > 0 ? key : JSON.stringify([reason, message, endRisk]),
  )
  return [...groups.values()].flatMap((group) => {
    const [first, ...others] = group
    if (first === undefined || others.length === 0) return group
    const keys = group.slice(0, mostKeys).map(({ key }) => key)
    const more = group.length > mostKeys ? ` and ${group.length - mostKeys} more` : ''
    return [{ ...first, key: `${keys.join(', ')}${more}` }]
  })
}

function isEnd({ endRisk }: PlannedNothing): boolean {
  return endRisk !== undefined
}

function formatStep({ key, step, effect, risk, why, differences, declaration }: PlannedStep): string[] {
  const { spec } = presentDeclaration(declaration)
  return [
    `${signs[effect]} ${key}: ${step} (risk for data: ${risk})`,
    `    ${why}`,
    ...(effect === 'make'
      ? formatYAML(spec)
          .trimEnd()
          .split('\n')
          .map((line) => `    + ${line}`)
      : []),
    ...differences.map(formatDifference),
  ]
}

function formatNothing(
  sign: string,
  what: string,
  { key, reason, message, differences, endRisk }: PlannedNothing,
) {
  const then = endRisk === undefined ? '' : `, then ends (risk for data: ${endRisk})`
  return [
    `${sign} ${key}: ${what} (${reason})${then}`,
    `    ${message}`,
    ...differences.map(formatDifference),
  ]
}

function formatDifference({ field, declared, actual }: FieldDifference): string {
  const show = (value: string) =>
    field.startsWith('spec.capacity.') && /^\d+$/.test(value) ? formatQuantity(BigInt(value)) : value
  return `    ~ ${field}: ${show(actual)} → ${show(declared)}`
}
