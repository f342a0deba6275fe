import { Argument, Option } from 'commander'
import { UsageError } from '../lib/errors.ts'
import type { Row } from '../operator/admin/row.ts'
import type { Declaration } from '../operator/declare/declaration.ts'
import type { Key } from '../operator/plan/identity.ts'

/** How people write each kind. */
const spellings: Readonly<Record<Declaration['kind'], readonly string[]>> = {
  Volume: ['volume', 'volumes', 'vol'],
  Snapshot: ['snapshot', 'snapshots', 'snap'],
  SnapshotSchedule: ['snapshotschedule', 'snapshotschedules', 'schedule', 'schedules'],
}

export const kindArgument = () =>
  new Argument('<kind>', 'volume, snapshot or schedule').argParser(parseKindArgument)

export const namespaceOption = () =>
  new Option('-n, --namespace <name>', 'Nomad namespace').default('default').env('NOMAD_NAMESPACE')

export const clusterOption = () =>
  new Option(
    '--cluster <name>',
    "in Kubernetes: the NomadCluster that it is in (default: the Nomad of the operator's own settings)",
  )

/** @throws UsageError for anything else than a kind */
export function parseKindArgument(text: string): Declaration['kind'] {
  for (const kind of ['Volume', 'Snapshot', 'SnapshotSchedule'] as const) {
    if (spellings[kind].includes(text.toLowerCase())) return kind
  }
  throw new UsageError(`"${text}" is not a kind: write volume, snapshot or schedule`)
}

/**
 * The key of what a person names: an ID, or `namespace/ID` where it is not in `--namespace`; for a volume
 * its ID in Nomad, for the others metadata.name.
 */
export function parseTarget(kind: Declaration['kind'], name: string, namespace: string): Key {
  return `${kind}/${name.includes('/') ? name : `${namespace}/${name}`}`
}

/** Whether a row shows the identity. */
export function isRowOf(row: Row, key: Key): boolean {
  return `${row.kind}/${row.name}` === key
}

/** Whether a row shows one of the volumes that a declaration with perAlloc makes. */
export function isInstanceRowOf(row: Row, key: Key): boolean {
  const at = `${row.kind}/${row.name}`
  return at.startsWith(`${key}[`) && /^\[\d+\]$/.test(at.slice(key.length))
}
