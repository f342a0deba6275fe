import { signal } from '@preact/signals'

/** The date of this machine, as often as a person may care. Hidden pages do not count. */
export const now = signal(Date.now())
setInterval(() => {
  if (document.visibilityState === 'visible') now.value = Date.now()
}, 10_000)
document.addEventListener('visibilitychange', () => {
  if (document.visibilityState === 'visible') now.value = Date.now()
})

const relative = new Intl.RelativeTimeFormat('en', { numeric: 'auto' })
const exact = new Intl.DateTimeFormat(undefined, { dateStyle: 'full', timeStyle: 'long' })
const day = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', year: 'numeric' })
const clock = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' })

const units = [
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
] as const

/** A span of time in words, such as `5 minutes ago` or `in 3 days`. */
export function formatRelative(ms: number, nowMs: number): string {
  const distance = ms - nowMs
  const [unit, size] = units.find(([, each]) => Math.abs(distance) >= each * 0.95) ?? ['second', 1000]
  if (unit === 'second') return distance > 5000 ? 'in a moment' : 'just now'
  return relative.format(Math.round(distance / size), unit)
}

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

/** A length of time in its two largest units, such as `2 d 4 h`. */
export function formatDuration(ms: number): string {
  const seconds = Math.round(ms / 1000)
  if (ms < 1000) return `${Math.round(ms)} ms`
  if (seconds < 60) return `${(ms / 1000).toFixed(ms < 10_000 ? 1 : 0)} s`
  const parts = [
    [Math.floor(seconds / 86_400), 'd'],
    [Math.floor(seconds / 3600) % 24, 'h'],
    [Math.floor(seconds / 60) % 60, 'min'],
    [seconds % 60, 's'],
  ] as const
  const first = parts.findIndex(([count]) => count > 0)
  return parts
    .slice(first, first + 2)
    .filter(([count]) => count > 0)
    .map(([count, unit]) => `${count} ${unit}`)
    .join(' ')
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
