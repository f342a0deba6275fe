import { describe, expect, it } from 'vitest'
import { parseDeclarations } from '../../../../src/operator/declare/parse-declarations.ts'

const parse = (spec: string) =>
  parseDeclarations(
    `apiVersion: mooring.dev/v1alpha1\nkind: HostVolume\nmetadata: {name: postgres, labels: {tier: db}}\nspec: ${spec}\n`,
    { source: 'here', file: 'a.yaml' },
  )

describe('a HostVolume', () => {
  it('has its defaults filled in, and its name in Nomad from metadata.name', () => {
    expect(parse('{}')).toMatchObject({
      problems: [],
      declarations: [
        {
          kind: 'HostVolume',
          name: 'postgres',
          labels: { tier: 'db' },
          spec: {
            name: 'postgres',
            namespace: 'default',
            pluginID: 'mkdir',
            placement: {},
            deletionPolicy: 'Retain',
            suspend: false,
          },
        },
      ],
    })
  })

  it('keeps every field that it gives', () => {
    const spec = `{name: data, namespace: prod, pluginID: mkfs, placement: {nodePool: storage, node: n1, nodes: One},
      capacity: {min: 1Ki, max: 2Ki}, parameters: {mode: "0700"}, deletionPolicy: Delete, suspend: true,
      capabilities: [{accessMode: single-node-multi-writer, attachmentMode: block-device}]}`
    expect(parse(spec).declarations[0]?.spec).toEqual({
      name: 'data',
      namespace: 'prod',
      pluginID: 'mkfs',
      placement: { nodePool: 'storage', node: 'n1' },
      capacity: { min: 1024n, max: 2048n },
      parameters: { mode: '0700' },
      capabilities: [{ accessMode: 'single-node-multi-writer', attachmentMode: 'block-device' }],
      deletionPolicy: 'Delete',
      suspend: true,
    })
  })

  it.each([
    [
      'a volume on every node',
      '{placement: {nodes: Every}}',
      'spec.placement.nodes',
      /not supported by this release.*write One/,
    ],
    ['a list of nodes', '{placement: {nodes: [a, b]}}', 'spec.placement.nodes', /text|string/],
    ['a count', '{placement: {count: 3}}', 'spec.placement.count', /one volume for each declaration/],
    ['constraints', '{placement: {constraints: []}}', 'spec.placement.constraints', /knows no constraints/],
    ['a folder to register', '{hostPath: /srv}', 'spec.hostPath', /registers no folder/],
    ['an ID', '{id: x}', 'spec.id', /Nomad chooses the ID/],
    [
      'a CSI access mode',
      '{capabilities: [{accessMode: multi-node-multi-writer, attachmentMode: file-system}]}',
      'spec.capabilities[0].accessMode',
      /single-node-writer/,
    ],
    ['a policy that Nomad cannot do', '{deletionPolicy: Deregister}', 'spec.deletionPolicy', /Retain/],
    ['a path for a plugin', '{pluginID: ../evil}', 'spec.pluginID', /is not the ID of a host volume plugin/],
    ['a name with a slash', '{name: a/b}', 'spec.name', /cannot be the name of a host volume/],
    ['less at most than at least', '{capacity: {min: 2Gi, max: 1Gi}}', 'spec.capacity.max', /min/],
  ])('is refused with %s, and the message says what to write', (_case, spec, field, message) => {
    const { declarations, problems } = parse(spec)
    expect(declarations).toEqual([])
    expect(problems).toEqual([expect.objectContaining({ field, message: expect.stringMatching(message) })])
  })
})
