import type { PlanAnswer, PlannedChange } from '../../../wire/dashboard/sources.ts'
import { type Declaration, formatPlace } from '../../declare/declaration.ts'
import type { Key } from '../../plan/identity.ts'
import type { DataRisk, StepEffect } from '../../plan/step-effect.ts'
import type { FieldDifference } from '../../plan/volume-difference.ts'
import { given, referTo } from './references.ts'

/** What a plan comes to, as `mooring plan` makes it. */
export interface PlanResult {
  readonly steps: readonly {
    readonly key: Key
    readonly step: string
    readonly effect: StepEffect
    readonly risk: DataRisk
    readonly why: string
    readonly differences: readonly FieldDifference[]
    readonly declaration: Declaration
  }[]
  readonly waiting: readonly Nothing[]
  readonly stalled: readonly Nothing[]
  readonly held: readonly Nothing[]
  readonly asDeclared: number
  readonly problems: readonly string[]
}

interface Nothing {
  readonly key: Key
  readonly reason: string
  readonly message: string
  readonly differences: readonly FieldDifference[]
  readonly endRisk?: DataRisk
}

const riskOrder: readonly DataRisk[] = ['destroys data', 'in use', 'copies', 'none']

/** The most dangerous first. Pure. */
export function presentPlan(
  plan: PlanResult,
  problems: PlanAnswer['problems'],
  cluster: string | undefined,
): PlanAnswer {
  const nothing = (result: PlannedChange['result'], list: readonly Nothing[]) =>
    list.map(
      ({ key, reason, message, differences, endRisk = 'none' }): PlannedChange => ({
        object: referTo(key, cluster),
        result,
        risk: endRisk,
        reason,
        message,
        differences: [...differences],
      }),
    )
  const changes = [
    ...plan.steps.map(
      ({ key, step, effect, risk, why, differences, declaration }): PlannedChange => ({
        object: referTo(key, cluster),
        result: 'step',
        step,
        effect,
        risk,
        message: why,
        differences: [...differences],
        ...given('place', formatPlace(declaration.place)),
      }),
    ),
    ...nothing('stalled', plan.stalled),
    ...nothing('held', plan.held),
    ...nothing('waiting', plan.waiting),
  ].sort((one, other) => riskOrder.indexOf(one.risk) - riskOrder.indexOf(other.risk))
  return {
    sentence: `${sentenceOf(plan, changes)}${wholeness(plan.problems.length + problems.length)}`,
    changes,
    asDeclared: plan.asDeclared,
    problems,
    failures: [...plan.problems],
  }
}

function sentenceOf({ steps, asDeclared }: PlanResult, changes: readonly PlannedChange[]): string {
  const destroying = changes.filter(({ risk }) => risk === 'destroys data').length
  const stays = `${asDeclared} ${asDeclared === 1 ? 'stays' : 'stay'} as declared`
  if (steps.length === 0 && destroying === 0) return `Nothing would be done; ${stays}.`
  const danger = destroying === 0 ? 'No data would be destroyed' : `${destroying} would destroy data`
  return `${steps.length} ${steps.length === 1 ? 'step' : 'steps'} would be taken; ${stays}. ${danger}.`
}

/** Why a person should not rely on it. */
function wholeness(problems: number): string {
  if (problems === 0) return ''
  return ` The plan is not whole: ${problems} ${problems === 1 ? 'problem has' : 'problems have'} to be solved first.`
}
