// biome-ignore-all lint/suspicious/noTemplateCurlyInString: that is what the texts under test hold
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { tokenizeHcl } from '../../../../src/operator/declare/hcl-tokens.ts'
import { parseDeclarations } from '../../../../src/operator/declare/parse-declarations.ts'
import type { StoreSecret } from '../../../../src/operator/declare/secret-reference.ts'

const parse = (text: string, file = 'a.volume.hcl', storeSecret?: StoreSecret) =>
  parseDeclarations(text, { source: 's', file }, storeSecret === undefined ? {} : { storeSecret })
/** The one volume's spec; what is wrong where there is none. */
function spec(text: string, file?: string) {
  const { declarations, problems } = parse(text, file)
  expect(problems).toEqual([])
  expect(declarations).toHaveLength(1)
  return declarations[0]?.spec
}
/** `line:column field: message`. */
const findings = (list: ReturnType<typeof parse>['problems']) =>
  list.map(({ place, field, message }) => `${place.line}:${place.column} ${field}: ${message}`)

const capability = `
capability {
  access_mode     = "single-node-writer"
  attachment_mode = "file-system"
}`
const minimal = `type = "csi"
id = "db"
plugin_id = "ebs0"
${capability}`

describe('a volume specification', () => {
  test.each(['a.nomad', 'a.volume'])('is HCL in a file that a command names, such as %s', (file) => {
    expect(spec(minimal, file)).toMatchObject({ volumeID: 'db' })
  })

  test('in HCL is a volume declaration with every key that Nomad reads', () => {
    const text = `
# A comment, // another, and /* one of many lines */
id        = "orders_db" // with an underscore
namespace = "shop"
name      = "orders"
type      = "csi"
plugin_id = "ebs0"
/* to be filled
   from this */
snapshot_id  = "snap-1"
capacity_min = "10GiB"
capacity_max = "20G"
${capability}
capability {
  access_mode     = "single-node-reader-only"
  attachment_mode = "block-device"
}
mount_options {
  fs_type     = "ext4"
  mount_flags = ["noatime", "ro",]
}
topology_request {
  preferred { topology { segments { rack = "R1" } } }
  required {
    topology { segments { rack = "R1" } }
    topology { segments { rack = "R2", zone = "z" } }
  }
}
parameters {
  tier   = "gold"
  iops   = 3000
  mode   = 0770
  sealed = true
  "dotted.key" = "v"
}
`
    const { declarations, problems, warnings } = parse(text)
    expect({ problems, warnings }).toEqual({ problems: [], warnings: [] })
    expect(declarations).toMatchObject([
      {
        kind: 'Volume',
        name: 'orders-db',
        labels: {},
        place: { source: 's', file: 'a.volume.hcl', document: 0, line: 3, column: 1 },
        spec: {
          volumeID: 'orders_db',
          namespace: 'shop',
          name: 'orders',
          pluginID: 'ebs0',
          source: { snapshotID: 'snap-1' },
          capacity: { min: 10n * 2n ** 30n, max: 20n * 10n ** 9n },
          capabilities: [
            { accessMode: 'single-node-writer', attachmentMode: 'file-system' },
            { accessMode: 'single-node-reader-only', attachmentMode: 'block-device' },
          ],
          mountOptions: { fsType: 'ext4', mountFlags: ['noatime', 'ro'] },
          topology: { preferred: [{ rack: 'R1' }], required: [{ rack: 'R1' }, { rack: 'R2', zone: 'z' }] },
          parameters: { tier: 'gold', iops: '3000', mode: '504', sealed: '1', 'dotted.key': 'v' },
          deletionPolicy: 'Retain',
          suspend: false,
        },
      },
    ])
  })

  test('in JSON is read the same, with objects or lists of them', () => {
    const text = JSON.stringify({
      ...{ type: 'CSI', id: 'db', plugin_id: 'ebs0', external_id: 'vol-1', capacity_max: 5, name: null },
      capability: [{ access_mode: 'single-node-writer', attachment_mode: 'file-system' }],
      mount_options: [{ fs_type: 'xfs', mount_flags: ['ro'] }],
      topology_request: { required: [{ topology: { segments: { rack: 'R1' } } }] },
      parameters: [{ a: '1' }, { b: '\u00e9"' }],
      context: { endpoint: 'x' },
    })
    for (const file of ['a.json', 'a.hcl']) {
      expect(spec(text, file)).toMatchObject({
        volumeID: 'db',
        namespace: 'default',
        pluginID: 'ebs0',
        externalID: 'vol-1',
        capacity: { max: 5n },
        capabilities: [{ accessMode: 'single-node-writer', attachmentMode: 'file-system' }],
        mountOptions: { fsType: 'xfs', mountFlags: ['ro'] },
        topology: { required: [{ rack: 'R1' }] },
        parameters: { a: '1', b: 'é"' },
        context: { endpoint: 'x' },
        deletionPolicy: 'Retain',
        suspend: false,
      })
    }
  })

  test('with external_id is registered, under the name that Nomad would show', () => {
    const { declarations, warnings } = parse(`${minimal}
name = "database"
external_id = "vol-1"
snapshot_id = "snap-1"`)
    expect(declarations[0]?.spec).toMatchObject({ externalID: 'vol-1', name: 'database' })
    expect(declarations[0]?.spec).not.toHaveProperty('source')
    expect(findings(warnings)).toEqual([expect.stringMatching(/^11:1 snapshot_id: has no effect/)])
  })

  test('has strings with escapes, interpolations as they stand, and heredocs', () => {
    expect(
      spec(`${minimal}
parameters {
  escaped = "tab\\t quote\\" backslash\\\\ \\u00e9 \\x41"
  kept = "\${pod.name} \${file("x")} \${NAME}"
  plain = <<EOF
  one
two
EOF
  indented = <<-END
    three
      four
    END
}`),
    ).toMatchObject({
      parameters: {
        escaped: 'tab\t quote" backslash\\ é A',
        kept: '${pod.name} ${file("x")} ${NAME}',
        plain: '  one\ntwo\n',
        indented: 'three\n  four\n',
      },
    })
  })

  test.each([
    ['parameters', 'context'],
    ['context', 'parameters'],
  ])('takes repeated %s blocks as one', (key) => {
    const text = `${minimal}\nexternal_id = "x"\n${key} { a = "1" }\n${key} = { b = "2" }`
    expect(spec(text)).toMatchObject({ [key]: { a: '1', b: '2' } })
  })

  test('of old releases has its access and attachment mode outside of a block', () => {
    const { declarations, warnings } = parse(
      'type="csi"\nid="db"\nplugin_id="p"\naccess_mode="single-node-writer"\nattachment_mode="file-system"',
    )
    expect(declarations[0]?.spec).toMatchObject({
      capabilities: [{ accessMode: 'single-node-writer', attachmentMode: 'file-system' }],
    })
    expect(warnings.map(({ field }) => field)).toEqual(['access_mode', 'attachment_mode'])
  })

  test.each([
    ['data[0]', 'data-0'],
    ['My.Volume_1', 'my-volume-1'],
    ['___', 'volume'],
    ['plain', 'plain'],
  ])('of the ID %s is referred to as %s', (id, name) => {
    expect(parse(minimal.replace('"db"', `"${id}"`)).declarations[0]).toMatchObject({
      name,
      spec: { volumeID: id },
    })
  })
})

describe('what has no effect', () => {
  test.each([
    ['colour = "red"', 'colour'],
    ['context { a = "b" }', 'context'],
    ['access_mode = "single-node-writer"', 'access_mode'],
    ['secret { a = "b" }', 'secret'],
  ])('%s is told, and harms nothing', (line, field) => {
    const { declarations, problems, warnings } = parse(`${line}\n${minimal}`)
    expect(problems).toEqual([])
    expect(declarations).toHaveLength(1)
    expect(findings(warnings)).toEqual([expect.stringMatching(new RegExp(`^1:1 ${field}: .*effect`))])
  })

  test('mount options of block devices are told and left out', () => {
    const { declarations, warnings } = parse(
      `${minimal.replace('file-system', 'block-device')}\nmount_options { fs_type = "ext4" }`,
    )
    expect(declarations[0]?.spec).not.toHaveProperty('mountOptions')
    expect(warnings.map(({ field }) => field)).toEqual(['mount_options'])
  })

  test('of several lists of topologies Nomad takes the first, and the others are told', () => {
    const topology = (rack: string) => `required { topology { segments { rack = "${rack}" } } }`
    const { declarations, warnings } = parse(
      `${minimal}\ntopology_request { ${topology('R1')} ${topology('R2')} }`,
    )
    expect(declarations[0]?.spec).toMatchObject({ topology: { required: [{ rack: 'R1' }] } })
    expect(warnings.map(({ field }) => field)).toEqual(['topology_request.required'])
  })
})

describe('what is wrong', () => {
  test.each([
    ['id = ""', 'id', 'is missing'],
    ['id = "a/b"', 'id', 'cannot be a volume ID'],
    ['id = ["db"]', 'id', 'must be text in quotes'],
    ['plugin_id = ""', 'plugin_id', 'is missing'],
    ['namespace = "no such"', 'namespace', 'is not a Nomad namespace'],
    ['capacity_min = "10 apples"', 'capacity_min', 'is not a size'],
    ['capacity_min = "2G"\ncapacity_max = "1G"', 'capacity_max', 'is less than'],
    ['snapshot_id = "a"\nclone_id = "b"', 'clone_id', 'cannot be combined with snapshot_id'],
    ['capability { access_mode = "single" }', 'capability[1].access_mode', 'is not one of'],
    ['capability { access_mod = "single-node-writer" }', 'capability[1].access_mod', 'is not a key here'],
    ['mount_options { fstype = "ext4" }', 'mount_options.fstype', 'is not a key here'],
    ['mount_options { mount_flags = "ro" }', 'mount_options.mount_flags', 'must be a list'],
    ['topology_request { wanted {} }', 'topology_request.wanted', 'is not a key here'],
    ['parameters = "x"', 'parameters', 'must be a block'],
    ['parameters { a = ["b"] }', 'parameters.a', 'must be text'],
  ])('%s is told by its key and line', (line, field, message) => {
    const key = line.split(/[ {=]/)[0] ?? ''
    const rest = minimal.split('\n').filter((each) => key === 'capability' || !each.startsWith(`${key} `))
    const { declarations, problems } = parse(`${rest.join('\n')}\n${line}`)
    expect(declarations).toEqual([])
    expect(problems.map((problem) => problem.field)).toContain(field)
    expect(problems.find((problem) => problem.field === field)?.message).toContain(message)
    const lines = rest.length + line.split('\n').length
    expect(problems.every(({ place }) => place.line <= lines)).toBe(true)
  })

  test.each([
    ['an open string', `${minimal}\nname = "da`, '9:8'],
    ['an open block', `${minimal}\nparameters {`, '9:13'],
    ['an open comment', `${minimal}\n/* name`, '9:1'],
    ['an open heredoc', `${minimal}\nname = <<EOF\nx\n`, '9:8'],
    ['an expression', `${minimal}\nname = upper("a")`, '9:8'],
    ['a second =', `${minimal}\nname == "a"`, '9:6'],
    ['no value', `${minimal}\nname =\n`, '10:1'],
    ['a list that goes on without a comma', `${minimal}\nx = ["a" "b"]`, '9:10'],
    ['an escape that is none', `${minimal}\nname = "\\q"`, '9:9'],
    ['nesting without end', `${minimal}\nx = ${'['.repeat(200)}`, '9:55'],
  ])('%s is one problem at its place', (_what, text, place) => {
    const { declarations, problems } = parse(text)
    expect(declarations).toEqual([])
    expect(problems.map(({ place: at }) => `${at.line}:${at.column}`)).toEqual([place])
    expect(problems[0]?.message).toMatch(/^HCL: /)
  })
})

describe('a specification of a host volume', () => {
  const declared = {
    name: 'orders_db',
    namespace: 'shop',
    pluginID: 'xfs',
    placement: { nodePool: 'storage', node: 'node-1' },
    capacity: { min: 10n * 1024n ** 3n, max: 20_000_000_000n },
    capabilities: [{ accessMode: 'single-node-multi-writer', attachmentMode: 'file-system' }],
    parameters: { mode: '0750' },
    deletionPolicy: 'Retain',
    suspend: false,
  }

  test('in HCL is a HostVolume with every key that Nomad reads', () => {
    const text = `
name         = "orders_db"
namespace    = "shop"
type         = "host"
plugin_id    = "xfs"
node_pool    = "storage"
node_id      = "node-1"
capacity_min = "10GiB"
capacity_max = "20G"
capability {
  access_mode     = "single-node-multi-writer"
  attachment_mode = "file-system"
}
parameters { mode = "0750" }`
    expect(parse(text)).toMatchObject({
      declarations: [
        { kind: 'HostVolume', name: 'orders-db', labels: {}, spec: declared, place: { line: 2 } },
      ],
      problems: [],
      warnings: [],
      others: [],
    })
    expect(spec(text)).toEqual(declared)
  })

  test('in JSON is the same', () => {
    const text = JSON.stringify({
      Name: 'orders_db',
      Namespace: 'shop',
      type: 'host',
      plugin_id: 'xfs',
      node_pool: 'storage',
      node_id: 'node-1',
      capacity_min: '10GiB',
      capacity_max: '20G',
      capability: [{ access_mode: 'single-node-multi-writer', attachment_mode: 'file-system' }],
      parameters: { mode: '0750' },
    })
    expect(spec(text, 'a.json')).toEqual(declared)
  })

  test('needs only a name: the rest is as nomad volume create has it', () => {
    expect(spec('type = "host"\nname = "data"')).toEqual({
      name: 'data',
      namespace: 'default',
      pluginID: 'mkdir',
      placement: {},
      deletionPolicy: 'Retain',
      suspend: false,
    })
  })

  test.each([
    ['no name', 'type = "host"', ['1:1 name: is missing: the name that jobs give as source']],
    [
      'constraints, which would be passed over',
      'type = "host"\nname = "data"\nconstraint {\n  attribute = "${attr.kernel.name}"\n  value = "linux"\n}',
      [
        '3:1 constraint: is not supported: this release places a volume by node_pool or node_id. Write one of them',
      ],
    ],
    [
      'a folder to register, in whose place another one would be made',
      'type = "host"\nname = "data"\nhost_path = "/srv/data"',
      [expect.stringMatching(/^3:1 host_path: is not supported: .*Register it by nomad volume register/)],
    ],
    [
      'a mode that only CSI has',
      'type = "host"\nname = "data"\ncapability {\n  access_mode = "multi-node-multi-writer"\n  attachment_mode = "file-system"\n}',
      [expect.stringMatching(/^4:\d+ capability\[0\]\.access_mode: /)],
    ],
    [
      'a name that no URL can have',
      'type = "host"\nname = "a/b"',
      [expect.stringMatching(/^2:\d+ name: "a\/b" cannot be the name of a host volume/)],
    ],
  ])('with %s is refused at its place', (_what, text, expected) => {
    const { declarations, problems } = parse(text)
    expect(declarations).toEqual([])
    expect(findings(problems)).toEqual(expected)
  })

  test('with an ID is used without it, and told so', () => {
    const { declarations, warnings } = parse('type = "host"\nname = "data"\nid = "x"')
    expect(declarations).toHaveLength(1)
    expect(findings(warnings)).toEqual([
      '3:1 id: has no effect: it is chosen by Nomad, and Mooring finds the volume by its name',
    ])
  })
})

describe('whose a file is', () => {
  test.each([
    ['a job in HCL2', 'variable "a" { default = 1 }\njob "web" {\n  type = var.a == 1 ? "batch" : "csi"\n}'],
    ['a job with a template', 'job "web" {\n  data = <<EOH\n{{ key "x" }}\n"\nEOH\n}'],
    ['a job that is broken', 'job "web" {\n  name = "open\n}'],
    ['an agent’s configuration', 'data_dir = "/x"\nclient {\n  enabled = true\n}'],
  ])('%s is counted and passed over', (_what, text) => {
    expect(parse(text)).toEqual({ declarations: [], problems: [], warnings: [], others: [expect.anything()] })
  })

  test('nothing but comments is no document at all', () => {
    expect(parse('# nothing\n')).toEqual({ declarations: [], problems: [], warnings: [], others: [] })
  })

  test.each([
    ['JSON of others', '{"name": "x", "type": "module"}'],
    ['a job in JSON', '{"Job": {"ID": "x", "Type": "csi"}}'],
  ])('%s is counted and passed over', (_what, text) => {
    expect(parse(text, 'a.json')).toEqual({
      declarations: [],
      problems: [],
      warnings: [],
      others: [expect.anything()],
    })
  })

  test.each([
    ['has no type', minimal.replace('type = "csi"', ''), 'type'],
    ['has a type half written', minimal.replace('"csi"', '"cs"'), 'type'],
    [
      'has its type in a block that is left open',
      `${minimal.replace('type = "csi"\n', '')} x {\ntype = "csi"`,
      '',
    ],
    ['breaks off before its type', minimal.replace('type = "csi"\n', '').slice(0, -2), ''],
  ])('one that means a volume and %s never passes for somebody else’s', (_what, text, field) => {
    const { declarations, problems, others } = parse(text)
    expect({ declarations, others }).toEqual({ declarations: [], others: [] })
    expect(problems.map((problem) => problem.field)).toEqual([field])
  })

  test('a prefix of a specification is never passed over for a volume that is gone, once it says what it is', () => {
    const start = minimal.indexOf('\n')
    for (let end = start; end < minimal.length; end++) {
      expect(parse(minimal.slice(0, end)).others, minimal.slice(0, end)).toEqual([])
    }
  })
})

describe('secrets', () => {
  const secret = 'pa55word-in-the-file'
  test('go to their keeper, and the declaration has the reference', () => {
    const kept: string[] = []
    const { declarations } = parse(
      `${minimal}\nsecrets {\n  user = "admin"\n  key = "${secret}"\n}`,
      'a.hcl',
      (value) => {
        kept.push(value)
        return { fromSpecification: `#${kept.length}` }
      },
    )
    expect(kept).toEqual(['admin', secret])
    expect(declarations[0]?.spec).toMatchObject({
      secrets: { user: { fromSpecification: '#1' }, key: { fromSpecification: '#2' } },
    })
    expect(JSON.stringify(declarations)).not.toContain(secret)
  })

  test('an empty block says that there are none', () => {
    expect(spec(`${minimal}\nsecrets {}`)).toMatchObject({ secrets: {} })
    expect(spec(minimal)).not.toHaveProperty('secrets')
  })

  test('cannot be referred to from YAML', () => {
    const { problems } = parse(
      'apiVersion: mooring.dev/v1alpha1\nkind: Volume\nmetadata: {name: a}\nspec: {pluginID: p, capabilities: [{accessMode: single-node-writer, attachmentMode: file-system}], secrets: {k: {fromSpecification: abc}}}',
      'a.yaml',
    )
    expect(problems.map(({ field }) => field)).toEqual(['spec.secrets.k'])
  })

  test('are in no message, wherever the file breaks', () => {
    const text = `${minimal}\nsecrets {\n  key = "${secret}"\n  other = [ "${secret}" ]\n}\n`
    for (let cut = 0; cut < text.length; cut++) {
      for (const broken of [text.slice(0, cut), text.slice(0, cut) + text.slice(cut + 1)]) {
        const { problems, warnings } = parse(broken)
        expect(JSON.stringify([problems, warnings])).not.toContain(secret)
      }
    }
  })
})

test('any text is read or is a problem, and nothing is thrown', () => {
  const piece = fc.constantFrom(
    ...[
      'type = "csi"',
      'id = "a"',
      'plugin_id',
      '=',
      ':',
      '{',
      '}',
      '[',
      ']',
      ',',
      '"',
      '\\',
      '${',
      '<<EOF',
      '\n',
      '#',
      '/*',
    ],
    ...[
      'capability',
      'secrets',
      'null',
      'true',
      '-1',
      '0x',
      '1e9',
      '.',
      '\u{1f600}',
      '\ud800',
      '__proto__ = "x"',
    ],
  )
  fc.assert(
    fc.property(fc.array(fc.oneof(piece, fc.string()), { maxLength: 40 }), (pieces) => {
      for (const file of ['a.hcl', 'a.json']) {
        const text = pieces.join(' ')
        const { declarations, problems, others } = parse(text, file)
        const { tokens, fault } = tokenizeHcl(text.replace(/^\uFEFF/, ''))
        const isEmpty = tokens.length === 0 && fault === undefined
        if (file === 'a.hcl' && !isEmpty)
          expect(declarations.length + problems.length + others.length).toBeGreaterThan(0)
      }
    }),
    { numRuns: 2_000 },
  )
})
