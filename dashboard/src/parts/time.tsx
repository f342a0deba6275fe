import { signal } from '@preact/signals'
import { formatRelative } from './durations.ts'

/** The date of this machine, as often as a person may care. Hidden pages do not count. */
export const now = signal(Date.now())
setInterval(() => {
  if (document.visibilityState === 'visible') now.value = Date.now()
}, 10_000)
document.addEventListener('visibilitychange', () => {
  if (document.visibilityState === 'visible') now.value = Date.now()
})

const exact = new Intl.DateTimeFormat(undefined, { dateStyle: 'full', timeStyle: 'long' })
const day = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', year: 'numeric' })
const clock = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' })

/** The zone of the person first, then UTC, which colleagues elsewhere share. */
export function formatExact(ms: number): string {
  const date = new Date(ms)
  return `${exact.format(date)}\n${date.toISOString()}`
}

export function formatDay(ms: number): string {
  return day.format(ms)
}

export function formatClock(ms: number): string {
  return clock.format(ms)
}

/** A time as its distance from now, with the exact one on hover and for readers. */
export function Ago({ at }: { readonly at: string | undefined }) {
  if (at === undefined) return <span class="quiet">never</span>
  const ms = Date.parse(at)
  return (
    <time dateTime={at} title={formatExact(ms)}>
      {formatRelative(ms, now.value)}
    </time>
  )
}

/** A time as day and clock of the person's zone. */
export function Moment({ at }: { readonly at: string }) {
  const ms = Date.parse(at)
  return (
    <time dateTime={at} title={formatExact(ms)} class="keep-together">
      {formatDay(ms)}, {formatClock(ms)}
    </time>
  )
}
