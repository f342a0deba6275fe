import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseDeclarations } from '../../../../src/operator/declare/parse-declarations.ts'

const parse = (text: string) => parseDeclarations(text, { source: 'declared', file: 'a.yaml' })

const head = 'apiVersion: mooring.dev/v1alpha1\nkind: Volume\nmetadata: {name: data}\n'

/** Each level holds the one before it ten times over. */
const bomb = (levels: number) =>
  Array.from({ length: levels }, (_, level) => {
    const items = level === 0 ? 'x' : Array.from({ length: 10 }, () => `*l${level - 1}`).join(', ')
    return `l${level}: &l${level} [${items}]`
  }).join('\n')

describe('hostile text', () => {
  test.each([
    ['aliases that multiply', `${head}${bomb(12)}`, 'has more than'],
    [
      'an alias of what it stands in',
      `${head}spec: &s {topology: *s}`,
      'is nested too deeply, or is an alias',
    ],
    ['deep brackets', `${head}spec: ${'['.repeat(10_000)}`, 'nesting exceeded'],
    ['deep lists', `${head}spec: ${'- '.repeat(10_000)}`, 'YAML:'],
    [
      'merges that multiply',
      `${head}a: &a {${Array.from({ length: 2000 }, (_, i) => `k${i}: 1`)}}\n${Array.from({ length: 20 }, (_, i) => `b${i}: {<<: *a}`).join('\n')}`,
      'merge',
    ],
    ['NUL', `${head}spec: {a: "\0"}`, 'null byte'],
    ['half a surrogate', `${head}spec: {a: "\uD800"}`, 'lone surrogate'],
    ['half a surrogate as a key, escaped', `${head}spec: {"\\uD800": a}`, 'lone surrogate'],
    ['a key of its own meaning', `${head}spec: {}\n__proto__: {polluted: true}`, '__proto__'],
    ['a key of its own meaning, quoted', `${head}spec: {capacity: {"__proto__": 1}}`, '__proto__'],
    ['keys that objects inherit', `${head}spec: {constructor: 1, toString: 2}`, 'is not a field here'],
    [
      'more unknown fields than anybody reads',
      `${head}spec:\n${Array.from({ length: 10_000 }, (_, i) => `  f${i}: x`).join('\n')}`,
      'is not a field here',
    ],
    [
      'more plain secrets than anybody reads',
      `${head}spec: {secrets: {${Array.from({ length: 10_000 }, (_, i) => `f${i}: x`)}}}`,
      'must not be in a declaration',
    ],
    ['a name of a megabyte', `${head}spec: {namespace: "${'a'.repeat(2 ** 20)}!"}`, 'is too long'],
    ['a key that is a mapping', `${head}{{ .Values.spec }}: x`, 'YAML:'],
    ['a tag that makes no JSON', `${head}spec: !!set {a, b}`, 'YAML:'],
    ['a date', `${head}spec: 2026-01-01`, 'must be a mapping of fields, not a string'],
  ])('%s: is a problem with its place', (_what, text, message) => {
    const { declarations, problems } = parse(text)
    expect(declarations).toEqual([])
    expect(problems.map((problem) => problem.message).join('\n')).toContain(message)
    expect(problems.length).toBeLessThanOrEqual(100)
    for (const { place, field, message } of problems) {
      expect(place.line).toBeGreaterThan(0)
      expect(place.column).toBeGreaterThan(0)
      expect(field.length + message.length).toBeLessThan(1000)
    }
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined()
  })

  test('many broken documents cost no more than their sum', () => {
    const { problems } = parse('a: "b\n---\n'.repeat(9_000))
    expect(problems).toHaveLength(9_000)
    expect(problems.at(-1)?.place.document).toBe(8_999)
  })

  test('any text is read or is a problem, and nothing is thrown', () => {
    const pieces = fc.constantFrom(
      ...[
        '---\n',
        '...\n',
        '\n',
        '  ',
        '\t',
        '- ',
        ': ',
        '? ',
        '&a ',
        '*a',
        '!t ',
        '!!int ',
        '{',
        '}',
        '[',
        ']',
      ],
      ...[
        '"',
        "'",
        '|\n',
        '>-\n',
        '#',
        '%TAG ',
        '<<: ',
        '\0',
        '\uFEFF',
        '\r\n',
        '\r',
        '~',
        '1e9',
        '__proto__: ',
      ],
      ...[
        'apiVersion: mooring.dev/v1alpha1\n',
        'kind: Volume\n',
        'kind: Snapshot\n',
        'metadata: ',
        'spec:\n',
      ],
      ...[
        'name: a\n',
        'capacity: ',
        'capabilities: ',
        'secrets: ',
        'source: ',
        'pluginID: p\n',
        '\u2028',
        '\uD800',
      ],
    )
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.array(pieces, { maxLength: 60 }).map((parts) => parts.join('')),
      fc.array(pieces, { maxLength: 30 }).map((parts) => `${head}spec:\n  ${parts.join('')}`),
      fc
        .json()
        .map(
          (json) =>
            `{"apiVersion": "mooring.dev/v1alpha1", "kind": "Volume", "metadata": ${json}, "spec": ${json}}`,
        ),
    )
    fc.assert(
      fc.property(text, (written) => {
        const lines = written.split(/\r\n|\r|\n/).length
        for (const { place, message } of parse(written).problems) {
          expect(place.line).toBeGreaterThan(0)
          expect(place.line).toBeLessThanOrEqual(lines)
          expect(place.column).toBeGreaterThan(0)
          expect(message).not.toBe('')
        }
      }),
      { numRuns: 2000 },
    )
  })
})

test('a document of ours that is refused always says why: it never passes for one that is gone', () => {
  const value = fc.oneof({ depthSize: 'small' }, fc.jsonValue(), fc.constantFrom('10Gi', 'a', [], {}))
  const fields = [
    'volumeID',
    'name',
    'pluginID',
    'capacity',
    'capabilities',
    'secrets',
    'source',
    'volume',
    'x',
  ]
  const spec = fc.dictionary(fc.constantFrom(...fields), value)
  const document = fc.record(
    { kind: fc.constantFrom('Volume', 'Snapshot'), metadata: value, spec: fc.oneof(spec, value), x: value },
    { requiredKeys: ['kind'] },
  )
  fc.assert(
    fc.property(document, (written) => {
      const { declarations, problems, others } = parse(
        JSON.stringify({ apiVersion: 'mooring.dev/v1alpha1', ...written }),
      )
      expect(others).toEqual([])
      expect(declarations.length === 1).toBe(problems.length === 0)
    }),
    { numRuns: 1000 },
  )
})

describe('secrets', () => {
  const secret = 'hunter2-Tr0ub4dor'

  test.each([
    ['a string', `spec: {secrets: {password: ${secret}}}`],
    ['a quoted string', `spec: {secrets: {password: "${secret}"}}`],
    ['a number', 'spec: {secrets: {password: 20261123}}'],
    ['what looks like an alias', `spec: {secrets: {password: *${secret}}}`],
    ['what looks like a tag', `spec: {secrets: {password: !${secret} x}}`],
    ['what looks like a tag with a handle', `spec: {secrets: {password: !${secret}!x y}}`],
    ['what is no tag', `spec: {secrets: {password: !<${secret}^> y}}`],
    ['a key', `spec: {secrets: {password: {${secret}: x}}}`],
    ['another source', `spec: {secrets: {password: {fromEnv: ${secret}}}}`],
    ['another path', `spec: {secrets: {password: {fromFile: /${secret}}}}`],
    ['a way out of the folder', `spec: {secrets: {password: {fromFile: a/../../${secret}}}}`],
    ['a hidden way out of the folder', `spec: {secrets: {password: {fromFile: "..\\\\${secret}"}}}`],
    ['both members', `spec: {secrets: {password: {fromEnv: MOORING_SECRET_A, fromFile: ${secret}}}}`],
    ['another variable', `spec: {secrets: {password: {fromVariable: {path: ../${secret}, item: a}}}}`],
    ['a path of a variable', `spec: {secrets: {password: {fromVariable: ${secret}}}}`],
    ['a list', `spec: {secrets: {password: [${secret}]}}`],
    ['the whole field', `spec: {secrets: ${secret}}`],
    ['beside a syntax error', `spec: {secrets: {password: ${secret}: "}}`],
    ['in a block', `spec:\n  secrets:\n    password: |\n      ${secret}\n`],
  ])('%s in the place of a reference is refused and not repeated', (_what, spec) => {
    const { declarations, problems } = parse(head + spec)
    expect(declarations).toEqual([])
    expect(problems.length).toBeGreaterThan(0)
    const told = JSON.stringify(problems)
    expect(told).not.toContain('hunter2')
    expect(told).not.toContain('20261123')
  })

  test('a reference that only objects of Kubernetes have is refused by name', () => {
    const spec = 'pluginID: p, capabilities: [{accessMode: single-node-writer, attachmentMode: file-system}]'
    const { problems } = parse(
      `${head}spec: {${spec}, secrets: {password: {fromSecret: {name: db, key: password}}}}`,
    )
    expect(problems.map(({ message }) => message)).toContainEqual(
      expect.stringContaining('fromSecret is only for objects of Kubernetes'),
    )
  })

  test('one secret is one problem, at its own key', () => {
    const text = `${head}spec:\n  pluginID: p\n  capabilities: [{accessMode: single-node-writer, attachmentMode: file-system}]\n  secrets:\n    ok: {fromFile: a/b}\n    password: ${secret}\n`
    expect(parse(text).problems.map(({ place, field }) => [place.line, place.column, field])).toEqual([
      [9, 5, 'spec.secrets.password'],
    ])
  })
})
