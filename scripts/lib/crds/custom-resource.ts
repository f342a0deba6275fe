import type { KubernetesKind } from '../../../src/operator/declare/kinds.ts'
import { checkRules, type StructuralSchema, toStructural } from './structural-schema.ts'

export const group = 'mooring.dev'
const version = 'v1alpha1'

interface Column {
  readonly name: string
  readonly type: 'string' | 'date' | 'boolean' | 'integer'
  readonly jsonPath: string
  readonly description: string
  /** 1: with `-o wide` only. */
  readonly priority?: 1
}

const condition = (type: string, field: string) => `.status.conditions[?(@.type=="${type}")].${field}`
const ready: Column = {
  name: 'Ready',
  type: 'string',
  jsonPath: condition('Ready', 'status'),
  description: 'Whether it is as declared.',
}
const reason: Column = {
  name: 'Reason',
  type: 'string',
  jsonPath: condition('Ready', 'reason'),
  description: 'Why it is, or is not.',
}
const message: Column = {
  name: 'Message',
  type: 'string',
  jsonPath: condition('Ready', 'message'),
  description: 'Why, as a person reads it.',
  priority: 1,
}
const age: Column = {
  name: 'Age',
  type: 'date',
  jsonPath: '.metadata.creationTimestamp',
  description: 'How long it has been declared.',
}
const cluster: Column = {
  name: 'Cluster',
  type: 'string',
  jsonPath: '.spec.cluster',
  description: 'The NomadCluster.',
  priority: 1,
}
const namespace: Column = {
  name: 'Nomad Namespace',
  type: 'string',
  jsonPath: '.status.namespace',
  description: 'The Nomad namespace that it is in.',
  priority: 1,
}
const column = (name: string, jsonPath: string, description: string, more: Partial<Column> = {}): Column => ({
  name,
  type: 'string',
  jsonPath,
  description,
  ...more,
})

/** How `kubectl get` shows each kind, and by which short name and fields it finds it. */
const shown: Readonly<
  Record<
    KubernetesKind['kind'],
    {
      readonly shortName: string
      readonly columns: readonly Column[]
      readonly selectable: readonly string[]
    }
  >
> = {
  Volume: {
    shortName: 'mvol',
    columns: [
      column('Plugin', '.spec.pluginID', 'The CSI plugin.'),
      column('Capacity', '.status.capacity', 'What the plugin reports.'),
      ready,
      reason,
      column('Volume ID', '.status.volumeID', "The volume's ID in Nomad.", { priority: 1 }),
      column('External ID', '.status.externalID', "The storage provider's ID.", { priority: 1 }),
      cluster,
      namespace,
      message,
      age,
    ],
    selectable: ['.spec.pluginID', '.spec.cluster'],
  },
  Snapshot: {
    shortName: 'msnap',
    columns: [
      column('Volume', '.spec.volume', 'The Volume that it is of.'),
      column('Size', '.status.size', 'What the plugin reports.'),
      ready,
      reason,
      column('Taken', '.status.createTime', 'How long ago it was taken.', { type: 'date' }),
      column('Snapshot ID', '.status.snapshotID', "The storage provider's ID.", { priority: 1 }),
      cluster,
      namespace,
      message,
      age,
    ],
    selectable: ['.spec.volume', '.spec.cluster'],
  },
  SnapshotSchedule: {
    shortName: 'msched',
    columns: [
      column('Schedule', '.spec.schedule', 'When snapshots are taken.'),
      column('Time Zone', '.spec.timeZone', 'The time zone of the schedule.', { priority: 1 }),
      column('Suspend', '.spec.suspend', 'Whether a person has paused it.', { type: 'boolean' }),
      column('Last', '.status.lastRun', 'How long ago snapshots were taken.', { type: 'date' }),
      column('Next', '.status.nextRun', 'When snapshots are taken next.'),
      ready,
      reason,
      cluster,
      namespace,
      message,
      age,
    ],
    selectable: ['.spec.cluster'],
  },
  HostVolume: {
    shortName: 'mhostvol',
    columns: [
      column('Plugin', '.spec.pluginID', 'The host volume plugin.'),
      column('Capacity', '.status.capacity', 'What the plugin reports.'),
      ready,
      reason,
      column('Node', '.status.nodeID', "Nomad's ID of its node.", { priority: 1 }),
      column('Volume ID', '.status.volumeID', "Nomad's ID of the volume.", { priority: 1 }),
      cluster,
      namespace,
      message,
      age,
    ],
    selectable: ['.spec.pluginID', '.spec.cluster'],
  },
  NomadCluster: {
    shortName: 'mcluster',
    columns: [
      column('Address', '.spec.address', "Where Nomad's API is."),
      column('Version', '.status.version', 'What Nomad reports.'),
      ready,
      reason,
      column('Region', '.status.region', 'The region that is asked.', { priority: 1 }),
      message,
      age,
    ],
    selectable: [],
  },
}

/**
 * The CustomResourceDefinition of a kind. Stored and served in one version, so there is nothing to convert.
 * @throws Error where the kind's schema says what a CRD cannot
 */
export function toCustomResource({ kind, plural, scope, document, status }: KubernetesKind) {
  const { shortName, columns, selectable } = shown[kind]
  const { spec } = document.properties
  if (spec === undefined) throw new Error(`${kind} has no spec`)
  const rules: unknown = Reflect.get(document, 'x-kubernetes-validations')
  checkRules(rules, kind)
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      scope,
      names: {
        kind,
        listKind: `${kind}List`,
        plural,
        singular: kind.toLowerCase(),
        shortNames: [shortName],
        categories: ['mooring'],
      },
      conversion: { strategy: 'None' },
      versions: [
        {
          name: version,
          served: true,
          storage: true,
          schema: {
            openAPIV3Schema: {
              type: 'object',
              description: String(Reflect.get(document, 'description')),
              required: ['spec'],
              properties: {
                apiVersion: { type: 'string', description: 'Version of the declaration format.' },
                kind: { type: 'string', description: 'Kind of the declaration.' },
                metadata: { type: 'object' },
                spec: toStructural({ ...spec }, `${kind}.spec`, { isBounded: true }),
                status: toStructural({ ...status }, `${kind}.status`, { isBounded: false }),
              } satisfies Record<string, StructuralSchema>,
              ...(Array.isArray(rules) && rules.length > 0 && { 'x-kubernetes-validations': rules }),
            },
          },
          subresources: { status: {} },
          additionalPrinterColumns: columns,
          ...(selectable.length > 0 && {
            selectableFields: selectable.map((jsonPath) => ({ jsonPath })),
          }),
        },
      ],
    },
  }
}
