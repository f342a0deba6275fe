import type { PastRun } from '../../../src/wire/dashboard/schedules.ts'
import { Icon, type IconName } from '../parts/icon.tsx'
import { formatClock, now } from '../parts/time.tsx'

export const outcomes: Readonly<Record<PastRun['outcome'] | 'next', { icon: IconName; tone: string }>> = {
  ready: { icon: 'done', tone: 'ready' },
  'in progress': { icon: 'working', tone: 'working' },
  failed: { icon: 'close', tone: 'stalled' },
  missed: { icon: 'invalid', tone: 'invalid' },
  deleted: { icon: 'missing', tone: 'held' },
  next: { icon: 'clock', tone: 'working' },
}

const weekdays = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun']
const weeksBack = 3
const weeks = 5

/** Weeks of runs, as the days of the person's zone. A day says how many runs ended in which way. */
export function Calendar(props: {
  readonly pastRuns: readonly PastRun[]
  readonly nextRuns: readonly string[]
  readonly name: string
}) {
  const { pastRuns, nextRuns, name } = props
  const today = new Date(now.value)
  const first = new Date(
    today.getFullYear(),
    today.getMonth(),
    today.getDate() - ((today.getDay() + 6) % 7) - 7 * weeksBack,
  )
  const past = Map.groupBy(pastRuns, ({ time }) => new Date(time).toDateString())
  const next = Map.groupBy(nextRuns, (time) => new Date(time).toDateString())
  return (
    <table class="calendar">
      <caption class="for-readers">Runs of {name}, a row for each week</caption>
      <thead>
        <tr>
          {weekdays.map((weekday) => (
            <th key={weekday} scope="col">
              {weekday}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {Array.from({ length: weeks }, (_, week) => (
          <tr key={week}>
            {weekdays.map((weekday, index) => {
              const date = new Date(first.getFullYear(), first.getMonth(), first.getDate() + 7 * week + index)
              const day = date.toDateString()
              const isToday = day === today.toDateString()
              return (
                <td key={weekday} class={isToday ? 'today' : ''} aria-current={isToday ? 'date' : undefined}>
                  <Day date={date} past={past.get(day) ?? []} next={next.get(day) ?? []} />
                </td>
              )
            })}
          </tr>
        ))}
      </tbody>
    </table>
  )
}

function Day(props: {
  readonly date: Date
  readonly past: readonly PastRun[]
  readonly next: readonly string[]
}) {
  const { date, past, next } = props
  const counts = Map.groupBy(past, ({ outcome }) => outcome)
  const isFirst = date.getDate() === 1
  return (
    <>
      <span class="day">
        {isFirst && `${date.toLocaleDateString('en-GB', { month: 'short' })} `}
        {date.getDate()}
      </span>
      <span class="marks">
        {[...counts].map(([outcome, runs]) => (
          <span
            key={outcome}
            class={`tone-${outcomes[outcome].tone}`}
            title={describe(
              outcome,
              runs.map(({ time }) => time),
            )}
          >
            <Icon name={outcomes[outcome].icon} />
            {runs.length > 1 && runs.length}
            <span class="for-readers"> {outcome}</span>
          </span>
        ))}
        {next.length > 0 && (
          <span class="next tone-working" title={describe('next', next)}>
            <Icon name="clock" />
            {next.length > 1 && next.length}
            <span class="for-readers"> to come</span>
          </span>
        )}
      </span>
    </>
  )
}

function describe(outcome: string, times: readonly string[]): string {
  const clocks = [...new Set(times.map((time) => formatClock(Date.parse(time))))]
  return `${outcome}: ${clocks.slice(0, 8).join(', ')}${clocks.length > 8 ? ' …' : ''}`
}
