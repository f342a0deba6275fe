import { describe, expect, test } from 'vitest'
import type { Declaration } from '../../../../src/operator/declare/declaration.ts'
import { parseDeclarations } from '../../../../src/operator/declare/parse-declarations.ts'

const parse = (text: string) => parseDeclarations(text, { source: 'declared', file: 'a.yaml' })

/** `line:column field message`, as a person sees it. */
const problemsOf = (text: string) =>
  parse(text).problems.map(
    ({ place, field, message }) =>
      `${place.line}:${place.column} ${field === '' ? '' : `${field} `}${message}`,
  )
const namesOf = (text: string) => parse(text).declarations.map(({ name }) => name)

const volume = (name: string, spec = '') => `apiVersion: mooring.dev/v1alpha1
kind: Volume
metadata: {name: ${name}}
spec:
  pluginID: ebs0
  capabilities: [{accessMode: single-node-writer, attachmentMode: file-system}]
${spec}`

/** The spec of a volume with these lines added; fails where the document has problems. */
function specOf(lines: string): Declaration['spec'] {
  const { declarations, problems } = parse(volume('data', lines))
  expect(problems).toEqual([])
  const [declaration] = declarations
  if (declaration === undefined) throw new Error('no declaration')
  return declaration.spec
}

describe('a document that is right', () => {
  test('a volume has its defaults filled in and its place', () => {
    const { declarations, problems, others } = parse(`# the first\n---\n${volume('data')}`)
    expect({ problems, others }).toEqual({ problems: [], others: [] })
    expect(declarations).toEqual([
      {
        kind: 'Volume',
        name: 'data',
        labels: {},
        spec: {
          volumeID: 'data',
          namespace: 'default',
          pluginID: 'ebs0',
          capabilities: [{ accessMode: 'single-node-writer', attachmentMode: 'file-system' }],
          deletionPolicy: 'Retain',
          finalSnapshot: false,
          driftPolicy: 'Correct',
          suspend: false,
        },
        place: { source: 'declared', file: 'a.yaml', document: 0, line: 3, column: 1 },
      },
    ])
  })

  test('a volume keeps every field that it gives', () => {
    const text = `apiVersion: mooring.dev/v1alpha1
kind: Volume
metadata:
  name: postgres-data
  labels: {tier: gold, example.org/team: storage}
  annotations: {argocd.argoproj.io/sync-wave: "1"}
spec:
  volumeID: Postgres_data[0]
  namespace: prod
  name: pg
  pluginID: org.democratic-csi.nfs
  source: {snapshotID: snap-1}
  capacity: {min: 1.5Gi, max: 9007199254740993}
  capabilities:
    - {accessMode: single-node-writer, attachmentMode: file-system}
    - {accessMode: multi-node-reader-only, attachmentMode: block-device}
  mountOptions: {fsType: ext4, mountFlags: [noatime]}
  topology: {required: [{rack: R1}], preferred: [{rack: R2}]}
  parameters: {type: gp3}
`
    const { declarations, problems } = parse(
      `${text}  secrets: {password: {fromEnv: MOORING_SECRET_DB}, key: {fromFile: db/..data/key}}\n  deletionPolicy: Delete\n  suspend: true\n`,
    )
    expect(problems).toEqual([])
    expect(declarations[0]).toMatchObject({
      labels: { tier: 'gold', 'example.org/team': 'storage' },
      spec: {
        volumeID: 'Postgres_data[0]',
        namespace: 'prod',
        name: 'pg',
        source: { snapshotID: 'snap-1' },
        capacity: { min: 1_610_612_736n, max: 9_007_199_254_740_993n },
        topology: { required: [{ rack: 'R1' }], preferred: [{ rack: 'R2' }] },
        secrets: { password: { fromEnv: 'MOORING_SECRET_DB' }, key: { fromFile: 'db/..data/key' } },
        deletionPolicy: 'Delete',
        suspend: true,
      },
    })
  })

  test('a registered volume may have the context of its plugin', () => {
    expect(specOf('  externalID: vol-1\n  context: {shard: "1"}')).toMatchObject({
      externalID: 'vol-1',
      context: { shard: '1' },
    })
  })

  test('a snapshot has its defaults filled in', () => {
    const { declarations, problems } = parse(
      'apiVersion: mooring.dev/v1alpha1\nkind: Snapshot\nmetadata: {name: s}\nspec: {volume: data}',
    )
    expect(problems).toEqual([])
    expect(declarations[0]?.spec).toEqual({
      volume: 'data',
      namespace: 'default',
      deletionPolicy: 'Retain',
      suspend: false,
    })
  })

  test.each(['name: x', 'parameters: {a: b}'])(
    'a snapshot is adopted or taken: snapshotID and %s',
    (field) => {
      const { problems } = parse(
        `apiVersion: mooring.dev/v1alpha1\nkind: Snapshot\nmetadata: {name: s}\nspec: {volume: data, snapshotID: s-1, ${field}}`,
      )
      expect(problems).toMatchObject([
        { field: `spec.${field.split(':')[0]}`, message: expect.stringContaining('remove one of the two') },
      ])
    },
  )

  test('a field without a value is a field that was not given', () => {
    expect(specOf('  name: ~\n  capacity:\n')).not.toHaveProperty('name')
    expect(specOf('  capacity: {min: ~}')).not.toHaveProperty('capacity')
    expect(specOf('  secrets: {}\n  mountOptions: {mountFlags: []}')).toMatchObject({
      secrets: {},
      mountOptions: { mountFlags: [] },
    })
  })

  test.each([
    [
      'JSON with tabs',
      '{\n\t"apiVersion": "mooring.dev/v1alpha1",\n\t"kind": "Snapshot",\n\t"metadata": {"name": "s"},\n\t"spec": {"volume": "v"}\n}',
    ],
    ['a byte order mark', `\uFEFF${volume('s')}`],
    ['CRLF', volume('s').replaceAll('\n', '\r\n')],
    ['CR', volume('s').replaceAll('\n', '\r')],
    [
      'anchors and merge keys',
      volume(
        's',
        '  parameters: &p {a: b}\n  mountOptions: {<<: {fsType: ext4}}\n  topology: {required: [*p]}',
      ),
    ],
    ['an explicit end', `---\n${volume('s')}\n...\n# the end\n`],
    ['a directive', `%YAML 1.2\n---\n${volume('s')}`],
  ])('%s is read', (_what, text) => {
    expect(problemsOf(text)).toEqual([])
    expect(namesOf(text)).toEqual(['s'])
  })
})

describe('a file of several documents', () => {
  test('empty documents do not count, documents of others are counted and skipped', () => {
    const others = [
      'apiVersion: v1\nkind: ConfigMap\ndata: {a: !Ref b, a: c}',
      'services: {web: {image: nginx}}',
      '[1, 2]',
      'Job: {ID: web}',
    ]
    const text = ['', '# nothing', '~', ...others, volume('a')].join('\n---\n')
    expect(parse(text)).toMatchObject({
      problems: [],
      others: Array(4).fill(expect.anything()),
      declarations: [{ name: 'a', place: { document: 4 } }],
    })
  })

  test.each([
    ['an open quote', 'kind: "Volume'],
    ['an open bracket', 'spec: [1, {a: b'],
    ['a tab', 'spec:\n\ta: b'],
    ['an unknown alias', `${volume('b')}  parameters: *nowhere`],
    ['a duplicate key', `${volume('b')}\nkind: Snapshot`],
    ['plain text', 'apiVersion'],
  ])('one broken by %s leaves the others alone', (_what, broken) => {
    const text = [volume('a'), broken, volume('c')].join('\n---\n')
    expect(namesOf(text)).toEqual(['a', 'c'])
    const [problem, ...rest] = parse(text).problems
    expect(rest).toEqual([])
    expect(problem?.place).toMatchObject({ source: 'declared', file: 'a.yaml', document: 1 })
    expect(problem?.place.line).toBeGreaterThan(7)
    expect(parse(text).declarations[1]?.place.document).toBe(2)
  })

  test('a marker within a block of text ends it, as YAML says', () => {
    expect(namesOf(`${volume('a')}  parameters: {x: y}\n--- # next\n${volume('b')}`)).toEqual(['a', 'b'])
  })
})

describe('a document that is wrong', () => {
  test.each([
    ['a: "b', '1:6 YAML: unexpected end of the stream within a double quoted scalar'],
    [
      'apiVersion: mooring.dev/v1alpha1\nkind: Volume\nspec:\n  c: 1\n  c: 2',
      '5:3 YAML: duplicated mapping key: remove one',
    ],
    ['a\0b', '1:2 YAML: null byte is not allowed in input'],
    ['just text', '1:1 is plain text and no declaration: begin the document with apiVersion and kind'],
    ['kind: Volume', '1:1 apiVersion is missing: write apiVersion: mooring.dev/v1alpha1'],
    [
      'kind: X\napiVersion: mooring.dev/v2',
      '2:1 apiVersion is not known to this release: write apiVersion: mooring.dev/v1alpha1',
    ],
    [
      'kind: X\napiVersion: moring.dev/v1alpha1',
      '2:1 apiVersion is not known to this release: write apiVersion: mooring.dev/v1alpha1',
    ],
    [
      'apiVersion: mooring.dev/v1alpha1',
      '1:1 kind is missing: this release knows Volume, Snapshot, SnapshotSchedule, and HostVolume',
    ],
    [
      'apiVersion: mooring.dev/v1alpha1\nkind: Volumes',
      '2:1 kind did you mean Volume? this release knows Volume, Snapshot, SnapshotSchedule, and HostVolume',
    ],
  ])('%j', (text, problem) => {
    expect(problemsOf(text)).toEqual([problem])
  })

  test('every fault is named at once, in the order of the file', () => {
    const text = `apiVersion: mooring.dev/v1alpha1
kind: Volume
metadata: {name: Data_1, labels: {mooring.dev: "a b"}, namespace: prod}
spec:
  volume_id: a/b
  pluginID: ""
  capacity: 10Gi
  capabilities:
    - acessMode: single-node-writer
      attachmentMode: filesystem
  parameters:
    iops: 3000
    type: ~
  suspend: "yes"
status: {}
`
    expect(problemsOf(text)).toEqual([
      '3:12 metadata.name "Data_1" is not a name: lower-case letters, digits, "-" and ".", beginning and ending with a letter or digit',
      '3:35 metadata.labels["mooring.dev"] "a b" is not a label value: letters, digits, "-", "_" and ".", at most 63 characters, beginning and ending with a letter or digit',
      '3:56 metadata.namespace is not a field here: write the Nomad namespace as spec.namespace',
      '5:3 spec.volume_id is not a field here: did you mean volumeID?',
      '6:3 spec.pluginID is empty: give it a value, or remove the field',
      '7:3 spec.capacity must be a mapping of fields, not a string',
      '9:7 spec.capabilities[0].acessMode is not a field here: did you mean accessMode?',
      '10:7 spec.capabilities[0].attachmentMode is not one of file-system, block-device: did you mean file-system?',
      '12:5 spec.parameters.iops must be a string: put the value in quotes',
      '13:5 spec.parameters.type must be a string, not null',
      '14:3 spec.suspend must be true or false, without quotes',
      '15:1 status is not a field here: remove it: Mooring writes the status itself',
    ])
  })

  test.each([
    ['  volumeID: a/b', 'spec.volumeID "a/b" cannot be a volume ID'],
    ['  volumeID: ..', 'spec.volumeID ".." cannot be a volume ID'],
    ['  volumeID: 12', 'spec.volumeID must be a string: put the value in quotes'],
    ['  namespace: "*"', 'spec.namespace "*" is not a Nomad namespace'],
    [`  name: ${'é'.repeat(65)}`, 'spec.name has 130 bytes in UTF-8, but CSI allows at most 128'],
    [`  name: ${'e'.repeat(129)}`, 'spec.name is too long: at most 128 characters'],
    ['  name: "a\\x07"', 'contains a control character'],
    ['  externalID: ""', 'spec.externalID is empty'],
    ['  capacity: {min: 10GiB}', 'spec.capacity.min "10GiB" is not a quantity: write 10Gi'],
    ['  capacity: {min: 0}', 'spec.capacity.min is 0'],
    ['  capacity: {max: true}', 'spec.capacity.max must be a string'],
    ['  capacity: {min: 2Gi, max: 1Gi}', 'spec.capacity.max is less than min: raise max or lower min'],
    ['  capacity_min: 1Gi', 'spec.capacity_min is not a field here: write it as capacity: {min: …}'],
    ['  source: {}', 'spec.source needs exactly one of snapshot, snapshotID, volume, cloneID'],
    ['  source: {snapshot: a, volume: b}', 'spec.source needs exactly one of'],
    ['  source: {volume: data}', 'spec.source.volume is this volume itself'],
    ['  externalID: a\n  source: {volume: b}', 'spec.source fills a new volume'],
    ['  externalID: a\n  name: b', 'spec.name is for a plugin that creates a volume'],
    ['  context: {a: b}', 'spec.context is for a volume that is registered'],
    ['  mountOptions: {mountFlags: noatime}', 'spec.mountOptions.mountFlags must be a list, not a string'],
    ['  deletionPolicy: delete', 'did you mean Delete?'],
    ['  detach: {policy: stale}', 'did you mean Stale?'],
    ['  detach: {nodes: [node-1]}', 'is not the full ID of a Nomad node'],
    ['  driftPolicy: report', 'spec.driftPolicy'],
    ['  perAlloc: {count: 0}', 'spec.perAlloc.count'],
    ['  perAlloc: {count: 3}\n  name: a', 'spec.name would be the name of every volume that perAlloc makes'],
    ['  perAlloc: {count: 3}\n  externalID: a', 'spec.externalID is one volume, and perAlloc makes several'],
    ['  perAlloc: {count: 3}\n  source: {volume: "data[0]"}', 'spec.source.volume is this volume itself'],
    ['  source: {volume: "other[a]"}', 'is not the name of a volume'],
    ['  finalSnapshot: true', 'spec.finalSnapshot is taken before a delete'],
    ['  frobnicate: 1', 'spec.frobnicate is not a field here: remove it. The fields are volumeID'],
    ['  parameters: {__proto__: x}', 'contains the key __proto__'],
  ])('%j is refused', (lines, message) => {
    const problems = problemsOf(volume('data', lines))
    expect(problems).toHaveLength(1)
    expect(problems[0]).toContain(message)
    expect(problems[0]).toMatch(/^[78]:/)
  })

  test('mount options on a block device are refused', () => {
    const text = volume('data', '  mountOptions: {fsType: ext4}').replace('file-system', 'block-device')
    expect(problemsOf(text)).toEqual([
      expect.stringContaining('spec.mountOptions has no effect on a block device'),
    ])
    expect(problemsOf(text.replace('fsType: ext4', ''))).toEqual([])
  })

  test('capabilities are needed, and each only once', () => {
    const modes = '{accessMode: single-node-writer, attachmentMode: file-system}'
    expect(problemsOf(volume('data').replace(modes, ''))).toEqual([
      '6:3 spec.capabilities is empty: give at least one',
    ])
    expect(problemsOf(volume('data').replace(modes, `${modes}, ${modes}`))).toEqual([
      '6:81 spec.capabilities[1] is given twice: remove one',
    ])
  })

  test('keys with our prefix are reserved', () => {
    const text = volume('data').replace(
      '{name: data}',
      '{name: data, annotations: {mooring.dev/keep: "true"}}',
    )
    expect(problemsOf(text)).toEqual([
      expect.stringContaining(
        'metadata.annotations["mooring.dev/keep"] has the reserved prefix mooring.dev/',
      ),
    ])
  })
})
