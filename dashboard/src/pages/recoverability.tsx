import { useLocation } from 'preact-iso/router'
import type { RecoverabilityPage as Answer, Recoverability } from '../../../src/wire/dashboard/schedules.ts'
import { queryOf } from '../data/format.ts'
import { useData } from '../data/use-data.ts'
import { formatDuration } from '../parts/durations.ts'
import { Icon, type IconName } from '../parts/icon.tsx'
import { ObjectLink } from '../parts/object-link.tsx'
import { Await, useTitle } from '../parts/page-state.tsx'
import { Pager } from '../parts/pager.tsx'
import { Prose } from '../parts/prose.tsx'
import { Ago, now } from '../parts/time.tsx'

const results: Readonly<Record<Recoverability['result'], { icon: IconName; tone: string; means: string }>> = {
  met: { icon: 'ready', tone: 'ready', means: 'in time' },
  missed: { icon: 'invalid', tone: 'invalid', means: 'too old' },
  never: { icon: 'stalled', tone: 'stalled', means: 'no snapshot' },
  none: { icon: 'missing', tone: 'held', means: 'no goal' },
}

/** How much would be lost if a volume were lost now, worst first. */
export function RecoverabilityPage() {
  useTitle('Recoverability')
  const { query } = useLocation()
  const shown = useData<Answer>(`/api/recoverability${queryOf(query)}`, ['objects'])
  return (
    <Await shown={shown}>
      {(data) => (
        <>
          <div class="head">
            <div>
              <h1>Recoverability</h1>
              <p class="lead">{data.sentence}</p>
            </div>
          </div>
          <section class="card" aria-label="Volumes, the worst first">
            <div class="filters">
              <p class="quiet small">The worst first. The goal is what the schedules promise.</p>
              <Pager
                page={data.page}
                size={data.size}
                total={data.total}
                addressOfPage={(page) => `/recoverability${queryOf({ ...query, page })}`}
              />
            </div>
            {data.rows.length === 0 ? (
              <p class="none">No volume is declared.</p>
            ) : (
              <div class="table-frame stacked">
                <table class="recoverability">
                  <thead>
                    <tr>
                      <th scope="col">Volume</th>
                      <th scope="col">Newest good snapshot</th>
                      <th scope="col">Result</th>
                      <th scope="col" class="middle">
                        Schedules
                      </th>
                      <th scope="col" class="number middle">
                        Snapshots
                      </th>
                      <th scope="col" class="wide">
                        Last restore
                      </th>
                      <th scope="col" class="wide">
                        Last verified restore
                      </th>
                    </tr>
                  </thead>
                  <tbody>
                    {data.rows.map((row) => (
                      <Row key={`${row.volume.key}@${row.volume.cluster}`} row={row} />
                    ))}
                  </tbody>
                </table>
              </div>
            )}
          </section>
        </>
      )}
    </Await>
  )
}

function Row({ row }: { readonly row: Recoverability }) {
  const { volume, newest, goal, snapshots, schedules, lastRestore, lastVerified, sentence } = row
  const result = resultNow(row, now.value)
  const { icon, tone, means } = results[result]
  return (
    <tr>
      <th scope="row">
        <ObjectLink object={volume} />
      </th>
      <td data-label="Newest good">
        {newest === undefined ? (
          <span class="quiet">none</span>
        ) : (
          <AgeBar atMs={Date.parse(newest.time)} time={newest.time} goalMs={goal?.maxAgeMs} tone={tone} />
        )}
      </td>
      <td data-label="Result">
        <span class={`state tone-${tone}`}>
          <Icon name={icon} />
          {means}
        </span>
        {sentence !== '' && (
          <span class="second small clip">
            <Prose text={sentence} />
          </span>
        )}
      </td>
      <td class="middle" data-label="Schedules">
        {schedules.map((schedule) => (
          <span class="listed" key={schedule.key}>
            <ObjectLink object={schedule} />
          </span>
        ))}
        {schedules.length === 0 && <span class="quiet">none</span>}
      </td>
      <td class="number middle" data-label="Snapshots">
        {snapshots}
      </td>
      <td class="wide" data-label="Last restore">
        {lastRestore === undefined ? (
          <span class="quiet">never</span>
        ) : (
          <span title={lastRestore.message}>
            {lastRestore.outcome}, <Ago at={lastRestore.time} />
          </span>
        )}
      </td>
      <td class="wide" data-label="Last verified">
        {lastVerified === undefined ? (
          <span class="quiet">never</span>
        ) : (
          <span>
            <Ago at={lastVerified.time} />, took {formatDuration(lastVerified.durationMs)}
          </span>
        )}
      </td>
    </tr>
  )
}

/** The operator decided when it answered. The goal may be missed since. */
function resultNow({ result, goal, newest }: Recoverability, nowMs: number): Recoverability['result'] {
  if (result !== 'met' || goal === undefined || newest === undefined) return result
  return nowMs - Date.parse(newest.time) > goal.maxAgeMs ? 'missed' : 'met'
}

/** An age beside the goal: a full bar has reached it. */
export function AgeBar(props: {
  readonly atMs: number
  readonly time: string
  readonly goalMs: number | undefined
  readonly tone: string
}) {
  const { atMs, time, goalMs, tone } = props
  const part = goalMs === undefined ? undefined : Math.min(1, Math.max(0.02, (now.value - atMs) / goalMs))
  return (
    <span class={`age tone-${tone}`}>
      <span>
        <Ago at={time} />
        {goalMs !== undefined && <span class="quiet small"> of {formatDuration(goalMs)}</span>}
      </span>
      {part !== undefined && (
        <span class="meter" aria-hidden="true">
          <i style={{ width: `${(part * 100).toFixed(1)}%` }} />
        </span>
      )}
    </span>
  )
}
