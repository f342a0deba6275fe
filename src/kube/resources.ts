import { type DeclaredKind, declaredKinds, kindNames } from '../lib/declared-kinds.ts'
import type { Resource } from './api.ts'

const builtIn = (group: string, plural: string, kind: string, namespaced = true): Resource => ({
  group,
  version: 'v1',
  plural,
  kind,
  namespaced,
})

export const namespaces = builtIn('', 'namespaces', 'Namespace', false)
export const configMaps = builtIn('', 'configmaps', 'ConfigMap')
export const secrets = builtIn('', 'secrets', 'Secret')
export const events = builtIn('', 'events', 'Event')
export const leases = builtIn('coordination.k8s.io', 'leases', 'Lease')

export const customResourceDefinitions = builtIn(
  'apiextensions.k8s.io',
  'customresourcedefinitions',
  'CustomResourceDefinition',
  false,
)

const ours = (plural: string, kind: string, namespaced = true): Resource => ({
  group: 'mooring.dev',
  version: 'v1alpha1',
  plural,
  kind,
  namespaced,
})

/** The resources of the objects that declare something. */
export const declaredResources = Object.fromEntries(
  kindNames.map((kind) => [kind, ours(declaredKinds[kind].plural, kind)]),
) as Readonly<Record<DeclaredKind, Resource>> // Of each kind, by the table.
export const { Volume: volumes, Snapshot: snapshots, SnapshotSchedule: snapshotSchedules } = declaredResources
export const nomadClusters = ours('nomadclusters', 'NomadCluster', false)

/** The apiVersion of its objects: `v1`, `mooring.dev/v1alpha1`. */
export function apiVersionOf({ group, version }: Resource): string {
  return group ? `${group}/${version}` : version
}
