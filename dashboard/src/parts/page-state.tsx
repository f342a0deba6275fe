import type { ComponentChildren } from 'preact'
import { useEffect } from 'preact/hooks'
import { connection } from '../data/live.ts'
import type { Shown } from '../data/use-data.ts'
import { Icon } from './icon.tsx'

/** Names the page in the browser's tab. */
export function useTitle(title: string): void {
  useEffect(() => {
    document.title = `${title} · Mooring`
  }, [title])
}

/** Shows data if there are any, however old; and otherwise why there are none. */
export function Await<Answer>(props: {
  readonly shown: Shown<Answer>
  readonly children: (data: Answer) => ComponentChildren
}) {
  const { shown, children } = props
  const { data, failure } = shown
  return (
    <>
      {failure !== undefined && (
        <div class="banner tone-stalled" role="alert">
          <Icon name="stalled" />
          <p>{failure.message}</p>
        </div>
      )}
      {data !== undefined && children(data)}
      {data === undefined && failure === undefined && (
        <p class="waiting" role="status">
          {connection.value === 'away' ? 'Waiting for the operator …' : 'Reading …'}
        </p>
      )}
    </>
  )
}
