import type { Attention, Overview, StateCounts } from '../../../src/wire/dashboard/overview.ts'
import { count } from '../data/format.ts'
import { useData } from '../data/use-data.ts'
import { ActionBar } from '../parts/action.tsx'
import { ActivityList } from '../parts/activity-list.tsx'
import { Card } from '../parts/card.tsx'
import { Icon } from '../parts/icon.tsx'
import { Meaning } from '../parts/meaning.tsx'
import { ObjectLink } from '../parts/object-link.tsx'
import { Await, useTitle } from '../parts/page-state.tsx'
import { Prose } from '../parts/prose.tsx'
import { lookOf, StateBadge } from '../parts/state.tsx'
import { Ago } from '../parts/time.tsx'
import { Clusters, Plugins, SourceList } from './overview-health.tsx'

/** Is everything as declared, and what needs me? */
export function OverviewPage() {
  useTitle('Overview')
  const shown = useData<Overview>('/api/overview', ['objects', 'sources', 'activity', 'plugins'])
  return <Await shown={shown}>{(data) => <Contents data={data} />}</Await>
}

function Contents({ data }: { readonly data: Overview }) {
  const { sentence, counts, inProgress, inProgressTotal, nextSnapshots, lately } = data
  return (
    <>
      <div class="summary">
        <h1>{sentence}</h1>
        <StateBar counts={counts} />
      </div>
      <div class="columns">
        <div class="stack">
          <NeedsPerson data={data} />
          <Card
            title="In progress"
            note={inProgressTotal === 0 ? undefined : count(inProgressTotal, 'declaration')}
          >
            {inProgress.length === 0 ? (
              <p class="none">Nothing is under way.</p>
            ) : (
              <ul class="rows">
                {inProgress.slice(0, 8).map(({ object, message, reason, since }) => (
                  <li key={`${object.key}@${object.cluster}`}>
                    <div class="line">
                      <ObjectLink object={object} isKindShown />
                      <span class="end quiet small">
                        {reason}, <Ago at={since} />
                      </span>
                    </div>
                    <p class="second small clip">
                      <Prose text={message} />
                    </p>
                  </li>
                ))}
              </ul>
            )}
            {inProgressTotal > 8 && <More to="/declarations?state=Reconciling" total={inProgressTotal} />}
          </Card>
          <Card title="Lately">
            <ActivityList entries={lately.slice(0, 8)} />
            {lately.length > 8 && (
              <p class="more">
                <a href="/activity">All activity</a>
              </p>
            )}
          </Card>
        </div>
        <div class="stack">
          <SourceList sources={data.sources} />
          <Clusters clusters={data.clusters} />
          <Plugins plugins={data.plugins} />
          <Card title="Next snapshots">
            {nextSnapshots.length === 0 ? (
              <p class="none">No schedule takes snapshots.</p>
            ) : (
              <ul class="rows">
                {nextSnapshots.slice(0, 6).map(({ schedule, time, volumes, timeZone }) => (
                  <li key={`${schedule.key}@${schedule.cluster}${time}`}>
                    <div class="line">
                      <ObjectLink object={schedule} />
                      <span class="end small">
                        <Ago at={time} />
                      </span>
                    </div>
                    <p class="quiet small">
                      {count(volumes, 'volume')}, by the clock of {timeZone}
                    </p>
                  </li>
                ))}
              </ul>
            )}
          </Card>
        </div>
      </div>
    </>
  )
}

function NeedsPerson({ data }: { readonly data: Overview }) {
  const { needsPerson, needsPersonTotal } = data
  return (
    <Card title="Needs you" note={needsPersonTotal === 0 ? undefined : 'the most serious first'}>
      {needsPerson.length === 0 ? (
        <p class="none all-well">
          <span class="state tone-ready">
            <Icon name="ready" />
            Nothing
          </span>{' '}
          Mooring goes on by itself.
        </p>
      ) : (
        <ul class="rows attention">
          {needsPerson.slice(0, 20).map((each) => (
            <AttentionRow
              key={`${each.object?.key}@${each.object?.cluster}${each.place}${each.reason}${each.message}`}
              attention={each}
            />
          ))}
        </ul>
      )}
      {needsPersonTotal > 20 && <More to="/declarations?state=Stalled,Refused" total={needsPersonTotal} />}
    </Card>
  )
}

function AttentionRow({ attention }: { readonly attention: Attention }) {
  const { object, state, reason, message, since, place, explanation, actions, severity } = attention
  const { tone } = lookOf(state)
  const possible = actions.filter(({ refusal }) => refusal === undefined)
  return (
    <li class={`tone-${tone}${severity === 1 ? ' grave' : ''}`}>
      <div class="line centre">
        <StateBadge state={state} />
        {object === undefined ? (
          <a class="name" href="/sources">
            {place}
          </a>
        ) : (
          <ObjectLink object={object} isKindShown />
        )}
        <span class="end quiet small">
          {reason}
          {since !== undefined && (
            <>
              , <Ago at={since} />
            </>
          )}
        </span>
      </div>
      <p class="message">
        <Prose text={message} />
      </p>
      <div class="attention-foot">
        {possible.length > 0 && <ActionBar actions={possible} object={object} isSmall />}
        {explanation !== undefined && (
          <details>
            <summary>What it means, and what to do</summary>
            <Meaning explanation={explanation} />
          </details>
        )}
      </div>
    </li>
  )
}

const states = ['Ready', 'Reconciling', 'Held', 'Stalled', 'Refused'] as const

/** How many are in which state, as lengths and in numbers. */
function StateBar({ counts }: { readonly counts: StateCounts }) {
  const there = states.filter((state) => counts[state] > 0)
  if (there.length === 0) return null
  return (
    <div class="state-bar">
      <div class="bar" aria-hidden="true">
        {there.map((state) => (
          <span key={state} class={`tone-${lookOf(state).tone}`} style={{ flexGrow: counts[state] }} />
        ))}
      </div>
      <ul class="legend">
        {there.map((state) => (
          <li key={state}>
            <a href={`/declarations?state=${state}`} class={`state tone-${lookOf(state).tone}`}>
              <Icon name={lookOf(state).icon} />
              <span class="number">{counts[state].toLocaleString('en')}</span> {state}
            </a>
          </li>
        ))}
      </ul>
    </div>
  )
}

export function More({ to, total }: { readonly to: string; readonly total: number }) {
  return (
    <p class="more">
      <a href={to}>All {total.toLocaleString('en')}</a>
    </p>
  )
}
