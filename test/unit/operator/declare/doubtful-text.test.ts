import { describe, expect, it } from 'vitest'
import { parseDeclarations } from '../../../../src/operator/declare/parse-declarations.ts'

const parse = (text: string, file = 'a.yaml') => parseDeclarations(text, { source: 's', file })
const volume = (name: string) => `apiVersion: mooring.dev/v1alpha1
kind: Volume
metadata: {name: ${name}}
spec:
  pluginID: directories
  capabilities: [{accessMode: single-node-writer, attachmentMode: file-system}]
`
const item = (text: string) => text.trimEnd().replace(/^/gm, '  ').replace(/^ {2}/, '- ').concat('\n')
const configMap = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings, namespace: apps}\n'

describe('lists and sequences', () => {
  it.each([
    ['a sequence', item(volume('a')) + item(volume('b'))],
    ['a List', `apiVersion: v1\nkind: List\nitems:\n${item(volume('a'))}${item(volume('b'))}`],
    [
      'a List of Lists',
      JSON.stringify({ kind: 'List', items: [{ kind: 'List', items: [json('a'), json('b')] }] }),
    ],
    ['a sequence in JSON', JSON.stringify([json('a'), json('b')])],
    ['a document and a sequence', `${volume('a')}---\n${item(volume('b'))}`],
  ])('%s of declarations is read, and each has a number of its own', (_what, text) => {
    const { declarations, problems, others } = parse(text)
    expect(problems).toEqual([])
    expect(others).toEqual([])
    expect(declarations.map(({ name, place }) => `${place.document} ${name}`)).toEqual(['0 a', '1 b'])
  })

  function json(name: string) {
    return {
      apiVersion: 'mooring.dev/v1alpha1',
      kind: 'Volume',
      metadata: { name },
      spec: {
        pluginID: 'directories',
        capabilities: [{ accessMode: 'single-node-writer', attachmentMode: 'file-system' }],
      },
    }
  }

  it('places a mistake where it is, and reads the other items', () => {
    const broken = volume('b').replace('pluginID', 'plugin')
    const { declarations, problems } = parse(item(volume('a')) + item(broken) + item(configMap))
    expect(declarations.map(({ name }) => name)).toEqual(['a'])
    expect(problems).toMatchObject([{ field: 'spec.plugin', place: { document: 1, line: 11, column: 5 } }])
  })

  it('an item with a misspelled kind is a problem, and items of others are others', () => {
    const text = item(volume('a').replace('Volume', 'Volum')) + item(configMap)
    const { problems, others } = parse(text)
    expect(problems).toMatchObject([{ field: 'kind' }])
    expect(others).toMatchObject([{ what: 'apiVersion "v1", kind "ConfigMap"' }])
  })

  it.each([
    ['tasks of another tool', '- name: x\n  tags: !vault |\n    abc\n'],
    ['a List of objects of others', `kind: List\napiVersion: v1\nitems:\n${item(configMap)}`],
    ['numbers', '[1, 2]'],
    ['nothing', '[]'],
  ])('a sequence of %s is one document of somebody else', (_what, text) => {
    expect(parse(text)).toMatchObject({ declarations: [], problems: [], others: [{}] })
  })
})

describe('what another tool made of a file', () => {
  it.each([
    ['SOPS, with its keys left readable', `${volume('a')}sops:\n  mac: x\n`, 7, /SOPS.*decrypt/],
    [
      'SOPS, as a whole',
      'apiVersion: ENC[AES256_GCM,x]\nkind: ENC[AES256_GCM,y]\nsops: {mac: z}\n',
      3,
      /SOPS/,
    ],
    ['SOPS, as bytes', '{"data": "ENC[AES256_GCM,x]", "sops": {"mac": "z"}}', 1, /SOPS/],
    ['Git LFS', 'version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 2\n', 1, /Git LFS/],
    ['git merge', `# x\n<<<<<<< HEAD\n${volume('a')}=======\n${volume('b')}>>>>>>> b\n`, 2, /merge conflict/],
    [
      'a person, with a merge key',
      `x: &x {kind: Volume, apiVersion: mooring.dev/v1alpha1}\n<<: *x\n`,
      2,
      /merge key/,
    ],
  ])('%s is one problem that says what to do', (_what, text, line, message) => {
    const { declarations, problems } = parse(text)
    expect(declarations).toEqual([])
    expect(problems).toMatchObject([{ place: { line }, message: expect.stringMatching(message) }])
  })

  it.each(['a.yaml', 'a.hcl', 'a.json'])('is found in %s', (file) => {
    const pointer = 'version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 2\n'
    expect(parse(pointer, file).problems).toMatchObject([{ message: expect.stringContaining('Git LFS') }])
  })

  it('a Secret that SOPS encrypted is an object of somebody else', () => {
    const secret = 'apiVersion: v1\nkind: Secret\ndata: {a: "ENC[x]"}\nsops: {mac: z}\n'
    expect(parse(secret)).toMatchObject({
      problems: [],
      others: [{ what: 'apiVersion "v1", kind "Secret"' }],
    })
  })

  it('a merge key in a document of somebody else is nothing to us', () => {
    expect(parse('x: &x {a: 1}\n<<: *x\n')).toMatchObject({ problems: [], others: [{}] })
  })
})

describe('the fingerprint of a document of somebody else', () => {
  const fingerprint = (text: string) => parse(text).others[0]?.fingerprint

  it('stays while somebody edits it', () => {
    expect(fingerprint(`${configMap}data: {a: b}\n`)).toBe(fingerprint(`# note\n${configMap}data: {c: d}\n`))
  })

  it.each([
    ['name', configMap.replace('settings', 'other')],
    ['namespace', configMap.replace('apps', 'other')],
    ['kind', configMap.replace('ConfigMap', 'Secret')],
    ['apiVersion', configMap.replace('v1', 'v2')],
    ['root, where it has no kind', 'services: {web: {}}\n'],
  ])('differs by its %s', (_what, text) => {
    expect(fingerprint(text)).not.toBe(fingerprint(configMap))
  })
})

it.each<[string, string, () => string, RegExp]>([
  ['one document too large', 'a.yaml', () => `a: [${'1,'.repeat(2 ** 20)}]`, /larger than 1\.5 MiB/],
  ['levels without end', 'a.yaml', () => '['.repeat(2 ** 20), /nesting/],
  [
    'levels of HCL without end',
    'a.hcl',
    () => `type = "csi"\na = ${'['.repeat(2 ** 20)}`,
    /nested too deeply/,
  ],
  [
    'more keys than a specification has',
    'a.hcl',
    () => `type = "csi"\n${'a=1\n'.repeat(2 ** 19)}`,
    /more than 20000/,
  ],
  [
    'more aliases than a declaration needs',
    'a.yaml',
    () => `apiVersion: mooring.dev/v1alpha1\nkind: Volume\na: &a 1\nb: [${'*a,'.repeat(2 ** 18)}]`,
    /aliases/,
  ],
])('%s is one problem, and costs little', (_what, file, text, message) => {
  const { declarations, problems, others } = parse(text(), file)
  expect([declarations, others]).toEqual([[], []])
  expect(problems).toMatchObject([{ message: expect.stringMatching(message) }])
})

it('a file with more documents than one can hold is one problem', () => {
  const many = '---\na: b\n'.repeat(10_001)
  expect(parse(many).problems).toMatchObject([
    { message: expect.stringContaining('more than 10000 documents') },
  ])
  const items = `- apiVersion: mooring.dev/v1\n${'- a\n'.repeat(10_001)}`
  expect(parse(items).problems).toMatchObject([
    { message: expect.stringContaining('more than 10000 documents') },
  ])
})
