import type Type from 'typebox'
import { type DeclaredKind, declaredKinds, kindNames } from '../../lib/declared-kinds.ts'
import { NomadClusterDocument } from './nomad-cluster.ts'
import { NomadClusterStatus } from './object-status.ts'
import { readers } from './readers.ts'

/** A kind of object in Kubernetes. */
export interface KubernetesKind {
  readonly kind: DeclaredKind | 'NomadCluster'
  readonly plural: string
  /** A cluster-scoped kind is for administrators. Its Secrets are in the operator's namespace. */
  readonly scope: 'Namespaced' | 'Cluster'
  readonly document: Type.TObject
  readonly status: Type.TObject
}

export const kinds: readonly KubernetesKind[] = [
  ...kindNames.map((kind) => ({
    kind,
    plural: declaredKinds[kind].plural,
    scope: 'Namespaced' as const,
    document: readers[kind].document,
    status: readers[kind].status,
  })),
  {
    kind: 'NomadCluster',
    plural: 'nomadclusters',
    scope: 'Cluster',
    document: NomadClusterDocument,
    status: NomadClusterStatus,
  },
]
