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

export const volumes = ours('volumes', 'Volume')
export const snapshots = ours('snapshots', 'Snapshot')
export const snapshotSchedules = ours('snapshotschedules', 'SnapshotSchedule')
export const nomadClusters = ours('nomadclusters', 'NomadCluster', false)

/** The apiVersion of its objects: `v1`, `mooring.dev/v1alpha1`. */
export function apiVersionOf({ group, version }: Resource): string {
  return group ? `${group}/${version}` : version
}
