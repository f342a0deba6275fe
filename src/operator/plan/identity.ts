import { createHash } from 'node:crypto'
import type { Declaration } from '../declare/declaration.ts'
import type { VolumeSpec } from '../declare/volume.ts'

/**
 * The identity of a declaration in the queue and the inventory: `Volume/<Nomad namespace>/<volume ID>`,
 * `Snapshot/<Nomad namespace>/<name>`, `SnapshotSchedule/<Nomad namespace>/<name>` or
 * `HostVolume/<Nomad namespace>/<name in Nomad>`. No part contains a slash. Moving
 * or renaming the file does not change it.
 */
export type Key = string

export function volumeKey(namespace: string, volumeID: string): Key {
  return `Volume/${namespace}/${volumeID}`
}

export function snapshotKey(namespace: string, name: string): Key {
  return `Snapshot/${namespace}/${name}`
}

export function hostVolumeKey(namespace: string, name: string): Key {
  return `HostVolume/${namespace}/${name}`
}

export function scheduleKey(namespace: string, name: string): Key {
  return `SnapshotSchedule/${namespace}/${name}`
}

export function keyOf(declaration: Declaration): Key {
  const { kind, name, spec } = declaration
  switch (kind) {
    case 'Volume':
      return volumeKey(spec.namespace, spec.volumeID)
    case 'HostVolume':
      return hostVolumeKey(spec.namespace, spec.name)
    default:
      return `${kind}/${spec.namespace}/${name}`
  }
}

/** Longest name that Mooring chooses: Kubernetes labels and the strictest CSI plugins accept it. */
const longestNameBytes = 63

/**
 * The CSI name of an identity: `<readable part>-<10 hex digits of SHA-256(region, namespace, ID)>`, with `-r<n>` after
 * the n-th restore. No two identities share a name: a plugin takes an equal name for the same volume (CSI spec,
 * CreateVolume).
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

/** The CSI name of a volume's n-th successor, based on spec.name if the declaration gives one. */
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

/** The ID under which Mooring registers a volume that it is about to delete. No allocation claims that ID. */
export function tombstoneID(key: Key, externalID: string): string {
  const digest = createHash('sha256')
    .update(JSON.stringify([key, externalID]))
    .digest('hex')
    .slice(0, 16)
  return `mooring-deleting-${digest}`
}

/**
 * The name of a declaration at the plugin: spec.name, or one that Mooring chooses.
 * @param incarnation how many names the key has used before. Mooring never chooses a name twice
 */
export function csiNameFor(key: Key, declaration: Declaration, region: string, incarnation = 0): string {
  if (declaration.kind === 'SnapshotSchedule') return ''
  const { spec } = declaration
  if (spec.name !== undefined) return spec.name
  // A snapshot's hash includes its kind, so it differs from that of a volume of the same name.
  return declaration.kind === 'Volume'
    ? chooseName({ region, namespace: spec.namespace, id: declaration.spec.volumeID, incarnation })
    : chooseName({ region, namespace: key, id: declaration.name, incarnation })
}

/** The name of a declaration in messages, such as `volume default/postgres-data`. */
export function displayName(declaration: Declaration): string {
  const { kind, name, spec } = declaration
  switch (kind) {
    case 'Volume':
      return `volume ${spec.namespace}/${spec.volumeID}`
    case 'Snapshot':
      return `snapshot ${spec.namespace}/${name}`
    case 'SnapshotSchedule':
      return `snapshot schedule ${spec.namespace}/${name}`
    case 'HostVolume':
      return `host volume ${spec.namespace}/${spec.name}`
  }
}
