import type { ActivityEntry } from '../../../src/wire/dashboard/common.ts'
import { stepInWords } from '../data/format.ts'
import { formatDuration } from './durations.ts'
import { Icon } from './icon.tsx'
import { ObjectLink } from './object-link.tsx'
import { Prose } from './prose.tsx'
import { Ago } from './time.tsx'

const looks = {
  done: { icon: 'done', tone: 'ready' },
  taken: { icon: 'done', tone: 'working' },
  failed: { icon: 'close', tone: 'stalled' },
  refused: { icon: 'refused', tone: 'refused' },
} as const

/** Steps and orders, newest first, each with who, why and the error in full. */
export function ActivityList(props: {
  readonly entries: readonly ActivityEntry[]
  readonly isObjectShown?: boolean
}) {
  const { entries, isObjectShown = true } = props
  if (entries.length === 0) return <p class="none">Nothing was done yet.</p>
  return (
    <ol class="events">
      {entries.map((entry) => {
        const { icon, tone } = looks[entry.outcome]
        return (
          <li key={entry.id} class={`tone-${tone}`}>
            <span class="mark">
              <Icon name={icon} />
            </span>
            <div>
              <div class="line">
                <span>
                  <strong>{stepInWords(entry.what)}</strong>
                  {entry.type === 'order' && <span class="quiet"> order</span>}
                  {entry.outcome !== 'done' && <span class="outcome"> {entry.outcome}</span>}
                  {entry.times > 1 && <span class="outcome"> {entry.times} times</span>}
                </span>
                {isObjectShown && <ObjectLink object={entry.object} />}
                <span class="end quiet small">
                  {entry.durationMs !== undefined &&
                    entry.durationMs > 0 &&
                    `${formatDuration(entry.durationMs)}, `}
                  <Ago at={entry.time} />
                </span>
              </div>
              <p class="second small">
                <Prose text={entry.why} />
              </p>
              {entry.by !== undefined && (
                <p class="quiet small">
                  by {entry.by.user ?? 'nobody known'}, via {entry.by.via}
                </p>
              )}
              {entry.error !== undefined && <p class="error small">{entry.error}</p>}
            </div>
          </li>
        )
      })}
    </ol>
  )
}
