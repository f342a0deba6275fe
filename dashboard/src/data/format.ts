import type { ObjectReference } from '../../../src/wire/dashboard/common.ts'

const sizes = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi'] as const

/** An amount of bytes as declarations write it, with at most one digit after the point. */
export function formatSize(bytes: number | undefined): string {
  if (bytes === undefined) return ''
  let value = bytes
  let step = 0
  while (value >= 1024 && step < sizes.length - 1) {
    value /= 1024
    step += 1
  }
  return `${Number(value.toFixed(1))}${sizes[step]}`
}

/** The address of the page of one declaration. */
export function addressOf({ kind, namespace, name, cluster }: ObjectReference): string {
  const path = `/objects/${kind}/${encodeURIComponent(namespace)}/${encodeURIComponent(name)}`
  return cluster === undefined ? path : `${path}?cluster=${encodeURIComponent(cluster)}`
}

const kinds: Readonly<Record<string, string>> = {
  Volume: 'volume',
  Snapshot: 'snapshot',
  SnapshotSchedule: 'schedule',
  HostVolume: 'host volume',
}

export function kindInWords(kind: string): string {
  return kinds[kind] ?? kind
}

/** `1 volume`, `2 volumes`. */
export function count(number: number, noun: string): string {
  return `${number.toLocaleString('en')} ${noun}${number === 1 ? '' : 's'}`
}

/** The step of a program as words: `create-volume` is `create volume`. */
export function stepInWords(step: string): string {
  return step
    .replace(/([a-z])([A-Z])/g, '$1 $2')
    .replaceAll('-', ' ')
    .toLowerCase()
}

/** A query string of what is set. */
export function queryOf(values: Readonly<Record<string, string | number | boolean | undefined>>): string {
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(values)) {
    if (value !== undefined && value !== '' && value !== false) query.set(name, String(value))
  }
  const text = query.toString()
  return text === '' ? '' : `?${text}`
}
