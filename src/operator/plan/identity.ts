import { createHash } from 'node:crypto'
import type { Declaration } from '../declare/declaration.ts'
import type { VolumeSpec } from '../declare/volume.ts'

/**
 * Names one declaration in the queue and the inventory: `Volume/<Nomad namespace>/<volume ID>`,
 * `Snapshot/<Nomad namespace>/<name>` or `SnapshotSchedule/<Nomad namespace>/<name>`. No part can hold a
 * slash. It is the identity, so a file may be renamed or moved without changing it.
 */
export type Key = string

export function volumeKey(namespace: string, volumeID: string): Key {
  return `Volume/${namespace}/${volumeID}`
}

export function snapshotKey(namespace: string, name: string): Key {
  return `Snapshot/${namespace}/${name}`
}

export function keyOf(declaration: Declaration): Key {
  const { kind, name, spec } = declaration
  return kind === 'Volume'
    ? volumeKey(spec.namespace, declaration.spec.volumeID)
    : `${kind}/${spec.namespace}/${name}`
}

/** Longest name that we choose: what Kubernetes labels and the strictest CSI plugins take. */
const longestNameBytes = 63

/**
 * The CSI name for an identity: `<readable part>-<10 hex digits of SHA-256(region, namespace, ID)>`, then
 * `-r<n>` for the n-th restore. Readable for people, and two identities never share one, since plugins
 * take an equal name as the same volume (CSI spec, CreateVolume).
 */
export function chooseName(options: {
  readonly region: string
  readonly namespace: string
  readonly id: string
  readonly incarnation: number
}): string {
  const digest = createHash('sha256')
    .update(JSON.stringify([options.region, options.namespace, options.id]))
    .digest('hex')
    .slice(0, 10)
  const suffix = `-${digest}${options.incarnation > 0 ? `-r${options.incarnation}` : ''}`
  const readable = options.id
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, longestNameBytes - suffix.length)
    .replace(/^-+|-+$/g, '')
  return `${readable === '' ? 'volume' : readable}${suffix}`
}

/** The CSI name of a volume's n-th successor: of its own kind where the declaration fixes the name. */
export function restoredName(options: {
  readonly region: string
  readonly spec: Pick<VolumeSpec, 'name' | 'namespace' | 'volumeID'>
  readonly incarnation: number
}): string {
  const { region, spec, incarnation } = options
  return spec.name === undefined
    ? chooseName({ region, namespace: spec.namespace, id: spec.volumeID, incarnation })
    : `${spec.name}-r${incarnation}`
}

/** The ID under which a volume about to be deleted is registered, so that its own ID is free and unclaimed. */
export function tombstoneID(key: Key, externalID: string): string {
  const digest = createHash('sha256')
    .update(JSON.stringify([key, externalID]))
    .digest('hex')
    .slice(0, 16)
  return `mooring-deleting-${digest}`
}

/**
 * The name that a declaration gets at the plugin: its own, else one chosen for it.
 * @param incarnation how many names were used before it under the key: a name is never chosen twice
 */
export function csiNameFor(key: Key, declaration: Declaration, region: string, incarnation = 0): string {
  if (declaration.kind === 'SnapshotSchedule') return ''
  const { spec } = declaration
  if (spec.name !== undefined) return spec.name
  // A snapshot's identity is hashed with its kind, so that it never equals that of a volume of the same name.
  return declaration.kind === 'Volume'
    ? chooseName({ region, namespace: spec.namespace, id: declaration.spec.volumeID, incarnation })
    : chooseName({ region, namespace: key, id: declaration.name, incarnation })
}

/** `volume default/postgres-data`, as messages name a declaration. */
export function describe(declaration: Declaration): string {
  const { kind, name, spec } = declaration
  switch (kind) {
    case 'Volume':
      return `volume ${spec.namespace}/${spec.volumeID}`
    case 'Snapshot':
      return `snapshot ${spec.namespace}/${name}`
    case 'SnapshotSchedule':
      return `snapshot schedule ${spec.namespace}/${name}`
  }
}
