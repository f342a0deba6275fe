import type { Int64 } from '../../wire/volume.ts'
import { type Declaration, formatPlace, type Problem } from '../declare/declaration.ts'
import type { Refusal } from '../desired/ownership.ts'
import { keyOf } from '../plan/identity.ts'
import type { InventoryRecord } from '../plan/record.ts'
import type { Status } from '../plan/status.ts'

/** What people see of one declaration, ending identity, or complaint about a source. */
export interface Row {
  readonly kind: string
  /** Nomad namespace and ID, or the place in a source. */
  readonly name: string
  /** The NomadCluster that it is in; not set: the Nomad of the operator's own settings. */
  readonly cluster?: string
  readonly pluginID: string
  readonly state: 'Ready' | 'Reconciling' | 'Stalled' | 'Held' | 'Refused' | 'Invalid'
  readonly externalID: string
  readonly sizeBytes?: Int64
  /** Of a snapshot: the ID of its volume, and when it was taken, RFC 3339. */
  readonly volume?: string
  readonly createTime?: string
  readonly reason: string
  readonly message: string
}

export function rowOfRecord({ declaration, status }: InventoryRecord): Row {
  const ready = status.conditions.find(({ type }) => type === 'Ready')
  return {
    ...rowOfDeclaration(declaration),
    ...(status.pluginID === undefined ? {} : { pluginID: status.pluginID }),
    state: stateOf(status),
    externalID: status.externalID ?? '',
    ...(status.sizeBytes === undefined ? {} : { sizeBytes: status.sizeBytes }),
    ...(status.takenAtMs === undefined ? {} : { createTime: new Date(status.takenAtMs).toISOString() }),
    reason: ready?.reason ?? 'New',
    message: ready?.message ?? '',
  }
}

/** Of a declaration that no pass has looked at yet. */
export function rowOfDeclaration(declaration: Declaration): Row {
  return {
    kind: declaration.kind,
    name: keyOf(declaration).slice(declaration.kind.length + 1),
    pluginID: 'pluginID' in declaration.spec ? declaration.spec.pluginID : '',
    state: 'Reconciling',
    externalID: '',
    ...(declaration.kind === 'Snapshot' ? { volume: declaration.spec.volume } : {}),
    reason: 'New',
    message: '',
  }
}

export function rowOfRefusal({ declaration, reason, message }: Refusal): Row {
  return { ...rowOfDeclaration(declaration), state: 'Refused', reason, message }
}

export function rowOfProblem({ place, field, message }: Problem): Row {
  return {
    kind: 'File',
    name: formatPlace(place),
    pluginID: '',
    state: 'Invalid',
    externalID: '',
    reason: 'Invalid',
    message: field === '' ? message : `${field}: ${message}`,
  }
}

/** The state that the conditions come to. */
export function stateOf({ conditions }: Status): Row['state'] {
  const isTrue = (type: string) =>
    conditions.some((condition) => condition.type === type && condition.status === 'True')
  if (isTrue('Ready')) return 'Ready'
  if (isTrue('Stalled')) return 'Stalled'
  return isTrue('Reconciling') || conditions.length === 0 ? 'Reconciling' : 'Held'
}
