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
    ...waiting.map((each) => formatNothing('?', 'waits', each)),
    ...stalled.map((each) => formatNothing('!', 'needs a person', each)),
    ...held.map((each) => formatNothing('·', 'is left as it is', each)),
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
