// biome-ignore-all lint/suspicious/noTemplateCurlyInString: that is what the texts under test hold
import { describe, expect, test } from 'vitest'
import { parseDeclarations } from '../../../../src/operator/declare/parse-declarations.ts'
import { expandVariables } from '../../../../src/operator/declare/variables.ts'

const variables = new Map([
  ['ENV', 'prod'],
  ['SIZE', '10Gi'],
  ['EMPTY', ''],
  ['TRICK', '${ENV} $& $1'],
])

describe('variables', () => {
  test.each([
    ['${ENV}', 'prod'],
    ['a-${ENV}-${SIZE}', 'a-prod-10Gi'],
    ['x${EMPTY}y', 'xy'],
    ['$${ENV}', '${ENV}'],
    ['$$${ENV}', '$${ENV}'],
    ['$ENV $ { } $$', '$ENV $ { } $$'],
    ['${TRICK}', '${ENV} $& $1'],
  ])('%s is %s', (written, value) => {
    expect(expandVariables({ a: [written] }, variables)).toEqual({ value: { a: [value] }, faults: [] })
  })

  test('leave keys and everything that is no text as they are', () => {
    const value = { '${ENV}': 1, b: true, c: null, d: 5n }
    expect(expandVariables(value, variables)).toEqual({ value, faults: [] })
  })

  test.each([
    ['${OTHER}', '${OTHER} is not set: run with --var OTHER=…'],
    ['${toString}', '${toString} is not set'],
    ['${pod.name}', 'write $${ for the text itself'],
    ['${', 'write $${ for the text itself'],
    ['${ENV', 'write $${ for the text itself'],
  ])('%s is a fault with its field', (written, message) => {
    const { faults } = expandVariables({ a: { b: ['x', written] } }, variables)
    expect(faults).toEqual([{ path: ['a', 'b', 1], message: expect.stringContaining(message) }])
  })

  const yaml = (name: string, more = '') => `apiVersion: mooring.dev/v1alpha1
kind: Volume
metadata: {name: "${name}"}
spec:
  pluginID: \${PLUGIN}
  capacity: {min: "\${SIZE}"}
  capabilities: [{accessMode: single-node-writer, attachmentMode: file-system}]
${more}`
  const parse = (text: string, values: Iterable<[string, string]>) =>
    parseDeclarations(text, { source: 's', file: 'a.yaml' }, { variables: new Map(values) })

  test('are put into a declaration before it is checked', () => {
    const { declarations, problems } = parse(yaml('db-${ENV}'), [...variables, ['PLUGIN', 'ebs0']])
    expect(problems).toEqual([])
    expect(declarations[0]).toMatchObject({
      name: 'db-prod',
      spec: { pluginID: 'ebs0', capacity: { min: 10n * 2n ** 30n } },
    })
  })

  test('that nobody set are problems with line and column', () => {
    const { declarations, problems } = parse(yaml('db'), variables)
    expect(declarations).toEqual([])
    expect(problems).toMatchObject([{ place: { line: 5, column: 3 }, field: 'spec.pluginID' }])
  })

  test('cannot bring in a field, a document or a secret', () => {
    const injected = parse(yaml('db'), [...variables, ['PLUGIN', 'p\n  deletionPolicy: Delete']])
    expect(injected.problems[0]?.message).toContain('is not a plugin ID')
    const secret = parse(yaml('db', '  secrets: {key: "${SECRET}"}\n'), [
      ...variables,
      ['PLUGIN', 'p'],
      ['SECRET', 'hidden'],
    ])
    expect(secret.problems.map(({ field }) => field)).toEqual(['spec.secrets.key'])
    expect(JSON.stringify(secret.problems)).not.toContain('hidden')
  })

  test('in the place of a secret are not quoted', () => {
    const { problems } = parse(yaml('db', '  secrets: {key: "a${hunter2}"}\n'), [
      ...variables,
      ['PLUGIN', 'p'],
    ])
    expect(problems).toHaveLength(1)
    expect(JSON.stringify(problems)).not.toContain('hunter2')
  })

  test('are never looked for in documents of others', () => {
    expect(parse('kind: Deployment\napiVersion: apps/v1\nx: ${NOT_SET}', [])).toMatchObject({
      problems: [],
      others: [{ what: 'apiVersion "apps/v1", kind "Deployment"' }],
    })
  })
})
