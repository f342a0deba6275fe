/** What a history is lived through with: the operator over a double of Nomad, or the server under its clients. */
import type { Violation } from './checkers/checker.ts'
import type { Source } from './source.ts'

export const farSides = ['nomad', 'server'] as const
export type FarSide = (typeof farSides)[number]

/** A plan as whoever knows nothing of its side sees it. */
interface AnyPlan {
  readonly acts: readonly object[]
}

export interface AnyOutcome {
  readonly violations: readonly Violation[]
  readonly traceHash: number
  readonly events: number
}

/** How histories of one side are drawn, lived through and told. */
export interface Kind<Plan extends AnyPlan = AnyPlan, Outcome extends AnyOutcome = AnyOutcome> {
  planHistory(seed: number, source: Source): Plan
  runHistory(plan: Plan): Promise<Outcome>
  tellStory(plan: Plan, outcome: Outcome): string
}

/** To be called once the modules are prepared, because it loads Mooring. */
export async function loadKind(farSide: FarSide): Promise<Kind> {
  if (farSide === 'server') {
    const { planServerHistory, runServerHistory } = await import('./server/run-server-history.ts')
    const { tellServerStory } = await import('./server/story.ts')
    return erase({
      planHistory: planServerHistory,
      runHistory: runServerHistory,
      tellStory: tellServerStory,
    })
  }
  const { planHistory, runHistory } = await import('./run-history.ts')
  const { tellStory } = await import('./story.ts')
  return erase({ planHistory, runHistory, tellStory })
}

/** Plans and outcomes of a kind go back to the same kind only. */
const erase = <Plan extends AnyPlan, Outcome extends AnyOutcome>(kind: Kind<Plan, Outcome>) =>
  kind as unknown as Kind
