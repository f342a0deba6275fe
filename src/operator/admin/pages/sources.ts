import type { Doubt, SourceProblem, Sources } from '../../../wire/dashboard/sources.ts'
import type { Problem } from '../../declare/declaration.ts'
import { actionsFor } from './actions.ts'
import type { ClusterView } from './cluster-view.ts'
import { excerptOf } from './excerpt.ts'
import { presentSourceStates } from './overview.ts'
import { given, referTo, timeOf } from './references.ts'

const mostRows = 500

/** The text of a file of a source; undefined: it is not to be had here. */
export type ReadText = (place: {
  readonly source: string
  readonly file: string
}) => Promise<string | undefined>

/** What the sources say, and what in them people have to correct. */
export async function presentSources(views: readonly ClusterView[], readText: ReadText): Promise<Sources> {
  const problems = views.flatMap((view) => problemsOf(view))
  const doubts = views.flatMap(doubtsOf)
  return {
    sources: views.flatMap(presentSourceStates),
    problems: await withExcerpts(problems.slice(0, mostRows), readText),
    problemsTotal: problems.length,
    doubts: doubts.slice(0, mostRows),
    doubtsTotal: doubts.length,
  }
}

function problemsOf(view: ClusterView): SourceProblem[] {
  const shown = (type: SourceProblem['type']) => (problem: Problem) =>
    presentProblem(problem, type, view.cluster)
  return [
    ...view.problems().map(shown('invalid')),
    ...view
      .refusals()
      .map(({ declaration, message }) =>
        presentProblem({ place: declaration.place, field: '', message }, 'refused', view.cluster),
      ),
    ...view.warnings().map(shown('warning')),
  ]
}

export function presentProblem(
  { place, field, message }: Problem,
  type: SourceProblem['type'],
  cluster?: string,
): SourceProblem {
  const { source, file, line, column } = place
  return { source, ...given('cluster', cluster), file, line, column, field, message, type }
}

/** Adds the lines around each, as far as the text is to be had. */
export async function withExcerpts(
  problems: readonly SourceProblem[],
  readText: ReadText,
): Promise<SourceProblem[]> {
  const texts = new Map<string, Promise<string | undefined>>()
  return Promise.all(
    problems.map(async (problem) => {
      const { source, file, line } = problem
      if (line === 0) return problem
      const at = JSON.stringify([source, file])
      const reading = texts.get(at) ?? readText({ source, file })
      texts.set(at, reading)
      const text = await reading
      return { ...problem, ...given('excerpt', text === undefined ? undefined : excerptOf(text, line)) }
    }),
  )
}

/** What is missing and stays, because nobody saw a person remove it, or because nothing may end it. */
function doubtsOf(view: ClusterView): Doubt[] {
  return view.records.list().flatMap(({ key, missing }): Doubt[] => {
    const absence = view.absence(key)
    if (absence === undefined || absence.state === 'ending') return []
    const [reason, message] =
      absence.state === 'held'
        ? [absence.reason, absence.message]
        : ['PruneDelay', 'its declaration is gone; it ends if a later reading misses it too']
    return [
      {
        object: referTo(key, view.cluster),
        reason,
        message,
        ...given('since', missing && timeOf(missing.sinceMs)),
        ...given('until', absence.untilMs === undefined ? undefined : timeOf(absence.untilMs)),
        actions: actionsFor(view, key).filter(({ id }) => id === 'confirmRemoval' || id === 'cancelEnd'),
      },
    ]
  })
}
