const relative = new Intl.RelativeTimeFormat('en', { numeric: 'auto' })
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
