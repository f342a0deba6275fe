import { Check } from 'typebox/value'
import { describe, expect, it } from 'vitest'
import { toCustomResource } from '../../../scripts/lib/crds/custom-resource.ts'
import { kinds } from '../../../src/operator/declare/kinds.ts'
import { readNomadCluster } from '../../../src/operator/declare/nomad-cluster.ts'
import { type DeclaredObject, readObject } from '../../../src/operator/declare/read-object.ts'
import { brokenRules, type SchemaNode, withDefaults } from '../../helpers/cel-rules.ts'

/**
 * The rules in CEL run here by a library of npm. That the schemas are structural, and that the API server's
 * own CEL compiles the rules and can afford them, is proven on a real API server only
 * (test/integration/operator/kubernetes/crds.test.ts).
 */

type Kind = (typeof kinds)[number]['kind']

const schemas = Object.fromEntries(
  kinds.map((kind) => [kind.kind, toCustomResource(kind).spec.versions[0]?.schema.openAPIV3Schema]),
)

const capabilities = [{ accessMode: 'single-node-writer', attachmentMode: 'file-system' }]
const block = [{ accessMode: 'single-node-writer', attachmentMode: 'block-device' }]
const least: Readonly<Record<Kind, object>> = {
  Volume: { pluginID: 'p', capabilities, capacity: { min: '1Gi' } },
  Snapshot: { volume: 'v' },
  SnapshotSchedule: { schedule: '0 3 * * *', volumes: { names: ['v'] } },
  HostVolume: {},
  NomadCluster: { address: 'https://nomad.example:4646' },
}

const objectOf = (kind: Kind, spec: object, status?: object) => {
  const object = {
    apiVersion: 'mooring.dev/v1alpha1',
    kind,
    metadata: { name: 'a' },
    spec,
    ...(status && { status }),
  }
  return withDefaults(schemas[kind] as SchemaNode, object) as typeof object
}

/** Whether the schema takes it, and the messages of the rules that do not. */
function admit(kind: Kind, spec: object, before?: { spec: object; status?: object }) {
  const schema = schemas[kind] as SchemaNode
  const object = objectOf(kind, spec, before?.status)
  const fitsSchema = Check(schema, object)
  // As the API server has it: no rule looks at what the schema refuses.
  return {
    fitsSchema,
    broken: !fitsSchema
      ? []
      : brokenRules(schema, object, before && objectOf(kind, before.spec, before.status)),
  }
}

const isReadable = (kind: Kind, spec: object) =>
  !(
    'faults' in
    (kind === 'NomadCluster'
      ? readNomadCluster({ apiVersion: 'mooring.dev/v1alpha1', kind, metadata: { name: 'a' }, spec })
      : readObject({ kind, metadata: { name: 'a' }, spec } satisfies DeclaredObject, 'default'))
  )

const registered = { pluginID: 'p', capabilities, externalID: 'vol-1' }

const taken: readonly [string, Kind, object][] = [
  ['a volume to create', 'Volume', least.Volume],
  ['a volume to register', 'Volume', registered],
  ['a volume out of a snapshot', 'Volume', { pluginID: 'p', capabilities, source: { snapshot: 's' } }],
  ['a registered volume with its context', 'Volume', { ...registered, context: { a: 'b' } }],
  ['an empty context', 'Volume', { ...least.Volume, context: {} }],
  ['a capacity in bytes', 'Volume', { ...least.Volume, capacity: { min: 1024, max: '1.5Ki' } }],
  ['a capacity with an exponent', 'Volume', { ...least.Volume, capacity: { min: '1e9' } }],
  ['a last snapshot', 'Volume', { ...least.Volume, finalSnapshot: true, deletionPolicy: 'Delete' }],
  ['several volumes', 'Volume', { ...least.Volume, perAlloc: { count: 2 } }],
  [
    'a last snapshot of those that a count leaves out',
    'Volume',
    { ...least.Volume, finalSnapshot: true, perAlloc: { count: 2, whenScaled: 'Delete' } },
  ],
  ['mount options', 'Volume', { ...least.Volume, mountOptions: { fsType: 'ext4' } }],
  ['a block device', 'Volume', { ...least.Volume, capabilities: block, mountOptions: { mountFlags: [] } }],
  ['a secret', 'Volume', { ...registered, secrets: { key: { fromSecret: { name: 's', key: 'k' } } } }],
  ['a snapshot', 'Snapshot', least.Snapshot],
  ['a snapshot to adopt', 'Snapshot', { volume: 'v', snapshotID: 's' }],
  ['a schedule', 'SnapshotSchedule', least.SnapshotSchedule],
  ['a nickname', 'SnapshotSchedule', { ...least.SnapshotSchedule, schedule: '@daily' }],
  ['labels', 'SnapshotSchedule', { schedule: '@daily', volumes: { selector: { matchLabels: { a: 'b' } } } }],
  ['a host volume', 'HostVolume', least.HostVolume],
  ['a host volume on one node', 'HostVolume', { placement: { node: 'n1' }, capacity: { min: '1Gi' } }],
  ['a cluster', 'NomadCluster', least.NomadCluster],
  [
    'a cluster without TLS',
    'NomadCluster',
    { address: 'http://127.0.0.1:4646', token: { name: 'a', key: 'b' } },
  ],
]

const refusedByRule: readonly [string, Kind, object, RegExp][] = [
  ['nothing to create or register', 'Volume', { pluginID: 'p', capabilities }, /give externalID/],
  [
    'one name for several volumes',
    'Volume',
    { ...least.Volume, perAlloc: { count: 2 }, name: 'n' },
    /name would be the name of every volume/,
  ],
  [
    'one external volume for several',
    'Volume',
    { ...registered, perAlloc: { count: 2 } },
    /externalID is one volume/,
  ],
  ['externalID and name', 'Volume', { ...registered, name: 'n' }, /remove name or externalID/],
  [
    'externalID and source',
    'Volume',
    { ...registered, source: { cloneID: 'c' } },
    /remove source or externalID/,
  ],
  ['a context to create with', 'Volume', { ...least.Volume, context: { a: 'b' } }, /remove context/],
  ['a clone of itself', 'Volume', { ...least.Volume, source: { volume: 'a' } }, /itself/],
  [
    'a last snapshot before no delete',
    'Volume',
    { ...least.Volume, finalSnapshot: true },
    /deletionPolicy: Delete/,
  ],
  [
    'a file system on a block device',
    'Volume',
    { ...least.Volume, capabilities: block, mountOptions: { fsType: 'ext4' } },
    /no effect on a block device/,
  ],
  [
    'mount flags on a block device',
    'Volume',
    { ...least.Volume, capabilities: block, mountOptions: { mountFlags: ['noatime'] } },
    /no effect on a block device/,
  ],
  ['a capacity of 0', 'Volume', { ...least.Volume, capacity: { min: 0 } }, /min is 0/],
  ['a greatest capacity of 0', 'Volume', { ...least.Volume, capacity: { max: '0Gi' } }, /max is 0/],
  [
    'max below min',
    'Volume',
    { ...least.Volume, capacity: { min: '2Gi', max: '1Gi' } },
    /max is less than min/,
  ],
  [
    'a name for a snapshot to adopt',
    'Snapshot',
    { volume: 'v', snapshotID: 's', name: 'n' },
    /name is for a snapshot that is taken/,
  ],
  [
    'parameters for a snapshot to adopt',
    'Snapshot',
    { volume: 'v', snapshotID: 's', parameters: { a: 'b' } },
    /parameters is for a snapshot that is taken/,
  ],
  ['no volumes', 'SnapshotSchedule', { schedule: '@daily', volumes: {} }, /selects nothing/],
  [
    'an empty list of volumes',
    'SnapshotSchedule',
    { schedule: '@daily', volumes: { names: [] } },
    /selects nothing/,
  ],
  ['no cron', 'SnapshotSchedule', { ...least.SnapshotSchedule, schedule: 'at night' }, /five fields/],
  [
    'seconds in cron',
    'SnapshotSchedule',
    { ...least.SnapshotSchedule, schedule: '0 0 3 * * *' },
    /five fields/,
  ],
  [
    'TLS without https',
    'NomadCluster',
    { address: 'http://n', clientCertificate: { name: 'c' } },
    /write https/,
  ],
]

const refusedBySchema: readonly [string, Kind, object][] = [
  ['no plugin', 'Volume', { capabilities, capacity: { min: 1 } }],
  ['no capabilities', 'Volume', { ...least.Volume, capabilities: [] }],
  [
    'a misspelt mode',
    'Volume',
    { ...least.Volume, capabilities: [{ ...capabilities[0], accessMode: 'rwo' }] },
  ],
  ["Nomad's spelling of a capacity", 'Volume', { ...least.Volume, capacity: { min: '10GiB' } }],
  ['half a byte', 'Volume', { ...least.Volume, capacity: { min: '500m' } }],
  ['a negative capacity', 'Volume', { ...least.Volume, capacity: { min: '-1Gi' } }],
  ['two sources', 'Volume', { pluginID: 'p', capabilities, source: { snapshot: 'a', volume: 'b' } }],
  ['a volume ID that is a path', 'Volume', { ...least.Volume, volumeID: 'a/b' }],
  ['a secret in place', 'Volume', { ...registered, secrets: { key: 'value' } }],
  ['a secret without a key', 'Volume', { ...registered, secrets: { key: { fromSecret: { name: 's' } } } }],
  ['a policy that is none', 'Snapshot', { volume: 'v', deletionPolicy: 'Deregister' }],
  ['an age that is none', 'SnapshotSchedule', { ...least.SnapshotSchedule, retention: { maxAge: 'a week' } }],
  ['an address that is none', 'NomadCluster', { address: 'nomad.example:4646' }],
]

describe('an object that the CRD takes', () => {
  it.each(taken)('may be %s, and is read', (_title, kind, spec) => {
    expect(admit(kind, spec)).toEqual({ fitsSchema: true, broken: [] })
    expect(isReadable(kind, spec)).toBe(true)
  })
})

describe('an object that the CRD refuses, and reading too', () => {
  it.each(refusedByRule)('has %s', (_title, kind, spec, message) => {
    expect(admit(kind, spec)).toEqual({ fitsSchema: true, broken: [expect.stringMatching(message)] })
    expect(isReadable(kind, spec)).toBe(false)
  })

  it.each(refusedBySchema)('has, by its schema, %s', (_title, kind, spec) => {
    expect(admit(kind, spec).fitsSchema).toBe(false)
    expect(isReadable(kind, spec)).toBe(false)
  })
})

const changes: readonly [string, Kind, object, object, object | undefined, RegExp | undefined][] = [
  ['volumeID', 'Volume', {}, { volumeID: 'b' }, undefined, /volumeID is the identity of this object/],
  [
    'the name of a host volume',
    'HostVolume',
    {},
    { name: 'b' },
    undefined,
    /name is the identity of this object/,
  ],
  ['the name of a host volume, written out', 'HostVolume', {}, { name: 'a' }, undefined, undefined],
  ['volumeID, written out', 'Volume', {}, { volumeID: 'a' }, undefined, undefined],
  [
    'namespace',
    'Volume',
    { namespace: 'a' },
    { namespace: 'b' },
    undefined,
    /namespace is part of the identity/,
  ],
  [
    'namespace, taken away',
    'Snapshot',
    { namespace: 'a' },
    {},
    undefined,
    /namespace is part of the identity/,
  ],
  [
    'cluster, given later',
    'SnapshotSchedule',
    {},
    { cluster: 'a' },
    undefined,
    /cluster is part of the identity/,
  ],
  ['pluginID before there is a volume', 'Volume', {}, { pluginID: 'q' }, {}, undefined],
  ['pluginID', 'Volume', {}, { pluginID: 'q' }, { externalID: 'e' }, /pluginID cannot change/],
  [
    'externalID',
    'Volume',
    { externalID: 'e' },
    { externalID: 'f' },
    { externalID: 'e' },
    /externalID cannot change/,
  ],
  ['externalID, written out', 'Volume', {}, { externalID: 'e' }, { externalID: 'e' }, undefined],
  [
    'nothing, after a restore',
    'Volume',
    { externalID: 'e' },
    { externalID: 'e' },
    { externalID: 'f' },
    undefined,
  ],
  ['the ID of a snapshot, given later', 'Snapshot', {}, { snapshotID: 's' }, { snapshotID: 's' }, undefined],
  [
    'the ID of a snapshot to another one',
    'Snapshot',
    {},
    { snapshotID: 't' },
    { snapshotID: 's' },
    /has another snapshot already/,
  ],
  ['the volume of a snapshot', 'Snapshot', {}, { volume: 'w' }, {}, undefined],
  [
    'the volume of a snapshot taken',
    'Snapshot',
    {},
    { volume: 'w' },
    { snapshotID: 's' },
    /volume cannot change/,
  ],
  ['perAlloc, given later', 'Volume', {}, { perAlloc: { count: 2 } }, {}, /perAlloc decides which volumes/],
  ['the count of perAlloc', 'Volume', { perAlloc: { count: 2 } }, { perAlloc: { count: 1 } }, {}, undefined],
  ['capacity', 'Volume', {}, { capacity: { min: '2Gi' } }, { externalID: 'e' }, undefined],
  ['address', 'NomadCluster', {}, { address: 'https://elsewhere' }, {}, undefined],
  ['region', 'NomadCluster', { region: 'eu' }, { region: 'us' }, {}, /region is part of the names/],
]

describe('a change of an object', () => {
  it.each(changes)('of %s', (_title, kind, before, after, status, message) => {
    const { broken } = admit(
      kind,
      { ...least[kind], ...after },
      { spec: { ...least[kind], ...before }, ...(status && { status }) },
    )
    expect(broken).toEqual(message === undefined ? [] : [expect.stringMatching(message)])
  })

  it('leaves no rule without a row', () => {
    const messages = (node: SchemaNode): string[] => [
      ...(node['x-kubernetes-validations'] ?? []).map(({ message }) => message),
      ...Object.values(node.properties ?? {}).flatMap(messages),
      ...[node.items, node.additionalProperties].flatMap((next) =>
        next === undefined ? [] : messages(next),
      ),
    ]
    const rows = [
      ...refusedByRule.map(([, , , row]) => row),
      ...changes.flatMap(([, , , , , row]) => row ?? []),
    ]
    const all = kinds.flatMap(({ kind }) => messages(schemas[kind] as SchemaNode))
    expect(all.length).toBeGreaterThan(20)
    expect(all.filter((message) => !rows.some((row) => row.test(message)))).toEqual([])
  })
})
