import type { PastRun, ScheduleRow } from '../../../src/wire/dashboard/schedules.ts'
import { count } from '../data/format.ts'
import { ActionBar } from '../parts/action.tsx'
import { Card } from '../parts/card.tsx'
import { Icon } from '../parts/icon.tsx'
import { ObjectLink } from '../parts/object-link.tsx'
import { Prose } from '../parts/prose.tsx'
import { State } from '../parts/state.tsx'
import { Ago, Moment } from '../parts/time.tsx'
import { Calendar, outcomes } from './calendar.tsx'
import { AgeBar } from './recoverability.tsx'

const mostVolumes = 8
const mostRuns = 4

/** @param props.isAlone on the page of the schedule itself, which says the rest */
export function ScheduleCard(props: { readonly schedule: ScheduleRow; readonly isAlone?: boolean }) {
  const { schedule, isAlone = false } = props
  const { object, state, message, retention, timeZone, nextRuns, pastRuns, volumes, volumesTotal, actions } =
    schedule
  const [next] = nextRuns
  const troubles = [
    ...Map.groupBy(
      pastRuns.filter(({ outcome }) => outcome === 'failed' || outcome === 'missed'),
      // Those of one run end within moments of each other.
      ({ time, outcome }) => `${time.slice(0, 16)} ${outcome}`,
    ).values(),
  ].slice(0, mostRuns)
  return (
    <Card
      title={isAlone ? 'Runs' : <ObjectLink object={object} />}
      note={isAlone ? undefined : <State state={state} />}
    >
      <div class="schedule">
        <div class="schedule-facts">
          <dl class="facts">
            <dt>Runs</dt>
            <dd>
              <code>{schedule.schedule}</code> by the clock of {timeZone}
            </dd>
            <dt>Next</dt>
            <dd>
              {next === undefined ? (
                <span class="quiet">{schedule.isSuspended ? 'suspended' : 'none'}</span>
              ) : (
                <>
                  <Ago at={next} />, <Moment at={next} />
                </>
              )}
            </dd>
            <dt>Retention</dt>
            <dd>{retention}</dd>
          </dl>
          {state !== 'Ready' && (
            <p class="second">
              <Prose text={message} />
            </p>
          )}
          {troubles.length > 0 && (
            <div>
              <h3>What went wrong lately</h3>
              <ul class="troubles">
                {troubles.map((runs) => (
                  <Trouble key={`${runs[0]?.time}${runs[0]?.outcome}`} runs={runs} />
                ))}
              </ul>
            </div>
          )}
          {!isAlone && <ActionBar actions={actions} object={object} isSmall />}
        </div>
        <Calendar pastRuns={pastRuns} nextRuns={nextRuns} name={object.name} />
        <div class="schedule-volumes">
          <h3>{count(volumesTotal, 'volume')}, the worst first</h3>
          {volumes.length === 0 && <p class="quiet">It selects none.</p>}
          <ul class="ages">
            {volumes.slice(0, mostVolumes).map(({ volume, newest, goal, result }) => (
              <li key={volume.key}>
                <ObjectLink object={volume} />
                {newest === undefined ? (
                  <span class="state tone-stalled">
                    <Icon name="stalled" />
                    no snapshot
                  </span>
                ) : (
                  <AgeBar
                    atMs={Date.parse(newest)}
                    time={newest}
                    goalMs={goal?.maxAgeMs}
                    tone={result === 'missed' ? 'invalid' : 'ready'}
                  />
                )}
              </li>
            ))}
          </ul>
          {volumesTotal > mostVolumes && (
            <p class="small">
              <a href="/recoverability">All volumes by recoverability</a>
            </p>
          )}
        </div>
      </div>
    </Card>
  )
}

/** Runs of several volumes at one time that went wrong in the same way. */
function Trouble({ runs }: { readonly runs: readonly PastRun[] }) {
  const [first] = runs
  if (first === undefined) return null
  const { time, outcome, volume, message } = first
  return (
    <li>
      <span class="line">
        <span class={`state tone-${outcomes[outcome].tone}`}>
          <Icon name={outcomes[outcome].icon} />
          {outcome}
        </span>
        <Moment at={time} />
        {volume !== undefined && (
          <span class="second">
            {runs.length === 1 ? volume.split('/').pop() : count(runs.length, 'volume')}
          </span>
        )}
      </span>
      <span class="second small">
        <Prose text={runs.length === 1 ? message : `such as: ${message}`} />
      </span>
    </li>
  )
}
