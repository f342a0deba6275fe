import type { SourceProblem, Sources } from '../../../src/wire/dashboard/sources.ts'
import { count } from '../data/format.ts'
import { useData } from '../data/use-data.ts'
import { ActionBar } from '../parts/action.tsx'
import { Card } from '../parts/card.tsx'
import { Icon } from '../parts/icon.tsx'
import { ObjectLink } from '../parts/object-link.tsx'
import { Await, useTitle } from '../parts/page-state.tsx'
import { Prose } from '../parts/prose.tsx'
import { Ago, Moment } from '../parts/time.tsx'
import { Excerpt } from './excerpt.tsx'
import { SourceState } from './overview-health.tsx'

/** Where declarations come from, what is wrong there, and what is held in doubt. */
export function SourcesPage() {
  useTitle('Sources')
  const shown = useData<Sources>('/api/sources', ['sources', 'objects'])
  return <Await shown={shown}>{(data) => <Contents data={data} />}</Await>
}

function Contents({ data }: { readonly data: Sources }) {
  const { sources, problems, problemsTotal, doubts, doubtsTotal } = data
  return (
    <>
      <div class="head">
        <div>
          <h1>{sentenceOf(data)}</h1>
          <p class="lead">
            Only a complete reading ends anything. What Mooring did not see removed stays in force until a
            person decides.
          </p>
        </div>
      </div>
      <section class="card" aria-label="Sources">
        <div class="table-frame stacked">
          <table>
            <thead>
              <tr>
                <th scope="col">Source</th>
                <th scope="col">Latest reading</th>
                <th scope="col" class="number">
                  Declarations
                </th>
                <th scope="col">Last complete</th>
                <th scope="col" class="middle">
                  Commit
                </th>
              </tr>
            </thead>
            <tbody>
              {sources.map((source) => (
                <tr key={`${source.name}@${source.cluster}`}>
                  <th scope="row">
                    <a class="name" href={`/declarations?source=${encodeURIComponent(source.name)}`}>
                      {source.name}
                    </a>
                    {source.cluster !== undefined && <span class="under">in {source.cluster}</span>}
                  </th>
                  <td data-label="Reading">
                    <SourceState source={source} />
                  </td>
                  <td class="number" data-label="Declarations">
                    {source.declarations.toLocaleString('en')}
                  </td>
                  <td data-label="Complete">
                    <Ago at={source.lastComplete} />
                  </td>
                  <td class="middle" data-label="Commit">
                    {source.commit === undefined ? (
                      <span class="quiet">–</span>
                    ) : (
                      <code title={source.commit}>{source.commit.slice(0, 12)}</code>
                    )}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </section>
      {problemsTotal > 0 && (
        <Card title="To correct" note={count(problemsTotal, 'problem')}>
          <ul class="rows">
            {problems.map((problem) => (
              <li key={JSON.stringify(problem)}>
                <Problem problem={problem} />
              </li>
            ))}
          </ul>
          {problemsTotal > problems.length && <p class="none">And {problemsTotal - problems.length} more.</p>}
        </Card>
      )}
      <Card title="In doubt" note={doubtsTotal === 0 ? undefined : count(doubtsTotal, 'declaration')}>
        {doubts.length === 0 ? (
          <p class="none">Nothing is missing.</p>
        ) : (
          <ul class="rows">
            {doubts.map(({ object, reason, message, since, until, actions }) => (
              <li key={`${object.key}@${object.cluster}`}>
                <div class="line">
                  <ObjectLink object={object} isKindShown />
                  <span class="end quiet small">
                    {reason}
                    {since !== undefined && (
                      <>
                        , missing <Ago at={since} />
                      </>
                    )}
                  </span>
                </div>
                <p class="second">
                  <Prose text={message} />
                </p>
                {until !== undefined && (
                  <p class="quiet small">
                    It is decided again <Ago at={until} />, <Moment at={until} />.
                  </p>
                )}
                <ActionBar actions={actions} object={object} isSmall />
              </li>
            ))}
          </ul>
        )}
      </Card>
    </>
  )
}

function sentenceOf({ sources, problemsTotal, doubtsTotal }: Sources): string {
  const complete = sources.filter(({ isComplete }) => isComplete).length
  const parts = [
    `${complete} of ${count(sources.length, 'source')} read completely`,
    ...(problemsTotal > 0 ? [`${count(problemsTotal, 'problem')} to correct`] : []),
    ...(doubtsTotal > 0 ? [`${doubtsTotal} in doubt`] : []),
  ]
  return `${parts.join('; ')}.`
}

const types = {
  invalid: { icon: 'invalid', tone: 'invalid', means: 'cannot be used' },
  warning: { icon: 'invalid', tone: 'held', means: 'warning' },
  refused: { icon: 'refused', tone: 'refused', means: 'refused' },
} as const

/** A mistake in a file, with the lines around it and a mark beneath it. */
export function Problem({ problem }: { readonly problem: SourceProblem }) {
  const { file, line, column, field, message, type, source } = problem
  const { icon, tone, means } = types[type]
  return (
    <div class="problem">
      <div class="line">
        <span class={`state tone-${tone}`}>
          <Icon name={icon} />
          {means}
        </span>
        <code class="name">
          {file === '' ? source : file}
          {line > 0 && `:${line}:${column}`}
        </code>
        {file !== '' && <span class="end quiet small">{source}</span>}
      </div>
      <p>
        {field !== '' && (
          <>
            <code>{field}</code>:{' '}
          </>
        )}
        {message}
      </p>
      {problem.excerpt !== undefined && <Excerpt excerpt={problem.excerpt} line={line} column={column} />}
    </div>
  )
}
