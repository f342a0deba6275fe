import { useLocation } from 'preact-iso/router'
import type { ActivityPage as Answer } from '../../../src/wire/dashboard/activity.ts'
import { kindInWords, queryOf } from '../data/format.ts'
import { useData } from '../data/use-data.ts'
import { ActivityList } from '../parts/activity-list.tsx'
import { Icon } from '../parts/icon.tsx'
import { Await, useTitle } from '../parts/page-state.tsx'

const filters = [
  ['type', 'What', { step: 'steps', order: 'orders' }],
  ['outcome', 'Outcome', { done: 'done', failed: 'failed', taken: 'taken', refused: 'refused' }],
  [
    'kind',
    'Kind',
    {
      Volume: kindInWords('Volume'),
      Snapshot: kindInWords('Snapshot'),
      SnapshotSchedule: kindInWords('SnapshotSchedule'),
    },
  ],
] as const

/** Who did what, and when. */
export function ActivityPage() {
  useTitle('Activity')
  const { query, route } = useLocation()
  const shown = useData<Answer>(`/api/activity${queryOf(query)}`, ['activity'])
  const addressWith = (changes: Readonly<Record<string, string | number | undefined>>) =>
    `/activity${queryOf({ ...query, before: undefined, ...changes })}`
  const isFiltered = ['text', 'type', 'outcome', 'kind', 'key'].some((name) => query[name] !== undefined)
  return (
    <>
      <div class="head">
        <div>
          <h1>Activity</h1>
          <p class="lead">Every step of Mooring and every order of a person, newest first.</p>
        </div>
      </div>
      <section class="card" aria-label="Steps and orders">
        <div class="filters">
          <label class="filter">
            <span>Containing</span>
            <input
              type="search"
              value={query.text ?? ''}
              onChange={(event) => route(addressWith({ text: event.currentTarget.value }), true)}
            />
          </label>
          {filters.map(([name, label, values]) => (
            <label key={name} class={`filter${query[name] === undefined ? '' : ' on'}`}>
              <span>{label}</span>
              <select
                value={query[name] ?? ''}
                onChange={(event) => route(addressWith({ [name]: event.currentTarget.value }))}
              >
                <option value="">any</option>
                {Object.entries(values).map(([value, words]) => (
                  <option key={value} value={value}>
                    {words}
                  </option>
                ))}
              </select>
            </label>
          ))}
          {isFiltered && (
            <a class="button bare small" href="/activity">
              <Icon name="close" />
              Clear
            </a>
          )}
        </div>
        <Await shown={shown}>
          {(data) => (
            <>
              <ActivityList entries={data.entries} />
              {(data.next !== undefined || query.before !== undefined) && (
                <p class="more">
                  {query.before !== undefined && <a href={addressWith({})}>Newest</a>}{' '}
                  {data.next !== undefined && <a href={addressWith({ before: data.next })}>Older</a>}
                </p>
              )}
            </>
          )}
        </Await>
      </section>
    </>
  )
}
