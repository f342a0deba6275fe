import { createHash } from 'node:crypto'
import type { SnapshotRecord } from '../plan/record.ts'

/** The longest name of an object. */
const longestName = 253

/**
 * The name of the object for a snapshot that a schedule made: `<schedule>-<volume>-<time>-<6 hex of SHA-256(key)>`. It is
 * always the same for one snapshot.
 */
export function nameOfScheduledSnapshot(key: string): string {
  const name = key.slice(key.lastIndexOf('/') + 1)
  const digest = createHash('sha256').update(key).digest('hex').slice(0, 6)
  const readable = name
    .toLowerCase()
    .replace(/[^a-z0-9.-]+/g, '-')
    .slice(0, longestName - digest.length - 1)
    .replace(/[^a-z0-9]+$/, '')
  return `${readable}-${digest}`
}

/** The spec of the new object. From then on people may change its deletionPolicy. */
export function specOfScheduledSnapshot({ declaration }: SnapshotRecord): Record<string, unknown> {
  const { spec } = declaration
  return {
    ...('cluster' in spec && spec.cluster !== undefined ? { cluster: spec.cluster } : {}),
    namespace: spec.namespace,
    volume: spec.volume,
    ...(spec.parameters === undefined ? {} : { parameters: spec.parameters }),
    ...(spec.secrets === undefined ? {} : { secrets: spec.secrets }),
    deletionPolicy: 'Retain',
  }
}
