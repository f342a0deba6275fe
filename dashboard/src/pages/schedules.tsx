import { useLocation } from 'preact-iso/router'
import type { SchedulePage } from '../../../src/wire/dashboard/schedules.ts'
import { count, queryOf } from '../data/format.ts'
import { useData } from '../data/use-data.ts'
import { Icon } from '../parts/icon.tsx'
import { Await, useTitle } from '../parts/page-state.tsx'
import { Pager } from '../parts/pager.tsx'
import { outcomes } from './calendar.tsx'
import { ScheduleCard } from './schedule-card.tsx'

const size = 10

/** Past and next runs of every schedule, and whether its volumes have a snapshot that is young enough. */
export function SchedulesPage() {
  useTitle('Schedules')
  const { query } = useLocation()
  const shown = useData<SchedulePage>(`/api/schedules${queryOf({ size, ...query })}`, ['objects'])
  return (
    <Await shown={shown}>
      {(data) => (
        <>
          <div class="head">
            <div>
              <h1>Schedules</h1>
              <p class="lead">
                {data.total === 0
                  ? 'No schedule is declared, so no snapshot is taken by the clock.'
                  : `${count(data.total, 'schedule')}. Days are those of your own time zone.`}
              </p>
            </div>
            {data.total > data.size && (
              <Pager
                page={data.page}
                size={data.size}
                total={data.total}
                addressOfPage={(page) => `/schedules${queryOf({ ...query, page })}`}
              />
            )}
          </div>
          {data.total > 0 && (
            <ul class="legend">
              {Object.entries(outcomes).map(([outcome, { icon, tone }]) => (
                <li key={outcome}>
                  <span class={`state tone-${tone}`}>
                    <Icon name={icon} />
                    {outcome}
                  </span>
                </li>
              ))}
            </ul>
          )}
          {data.rows.map((row) => (
            <ScheduleCard key={`${row.object.key}@${row.object.cluster}`} schedule={row} />
          ))}
        </>
      )}
    </Await>
  )
}
