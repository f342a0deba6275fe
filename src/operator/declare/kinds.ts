import type Type from 'typebox'
import { NomadClusterDocument } from './nomad-cluster.ts'
import { NomadClusterStatus, SnapshotScheduleStatus, SnapshotStatus, VolumeStatus } from './object-status.ts'
import { SnapshotDocument } from './snapshot.ts'
import { SnapshotScheduleDocument } from './snapshot-schedule.ts'
import { VolumeDocument } from './volume.ts'

/** A kind of object in Kubernetes. */
export interface KubernetesKind {
  readonly kind: 'Volume' | 'Snapshot' | 'SnapshotSchedule' | 'NomadCluster'
  readonly plural: string
  /** A cluster-scoped kind is for administrators. Its Secrets are in the operator's namespace. */
  readonly scope: 'Namespaced' | 'Cluster'
  readonly document: Type.TObject
  readonly status: Type.TObject
}

export const kinds: readonly KubernetesKind[] = [
  {
    kind: 'Volume',
    plural: 'volumes',
    scope: 'Namespaced',
    document: VolumeDocument,
    status: VolumeStatus,
  },
  {
    kind: 'Snapshot',
    plural: 'snapshots',
    scope: 'Namespaced',
    document: SnapshotDocument,
    status: SnapshotStatus,
  },
  {
    kind: 'SnapshotSchedule',
    plural: 'snapshotschedules',
    scope: 'Namespaced',
    document: SnapshotScheduleDocument,
    status: SnapshotScheduleStatus,
  },
  {
    kind: 'NomadCluster',
    plural: 'nomadclusters',
    scope: 'Cluster',
    document: NomadClusterDocument,
    status: NomadClusterStatus,
  },
]
