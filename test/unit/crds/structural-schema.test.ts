import Type from 'typebox'
import { describe, expect, it } from 'vitest'
import { toCustomResource } from '../../../scripts/lib/crds/custom-resource.ts'
import { toStructural } from '../../../scripts/lib/crds/structural-schema.ts'
import { kinds } from '../../../src/operator/declare/kinds.ts'

const convert = (schema: Type.TSchema, isBounded = true) => toStructural({ ...schema }, 'spec', { isBounded })
const field = (schema: Type.TSchema) => Type.Object({ field: schema }, { additionalProperties: false })
const described = { description: 'What it is.' }

const converted: readonly [string, Type.TSchema, object][] = [
  ['a literal is an enum', Type.Literal('a'), { type: 'string', enum: ['a'] }],
  ['an enum has a type', Type.Enum(['a', 'b']), { type: 'string', enum: ['a', 'b'] }],
  [
    'a record has a schema for each value',
    Type.Record(Type.String(), Type.String({ maxLength: 5 }), { maxProperties: 3 }),
    { type: 'object', maxProperties: 3, additionalProperties: { type: 'string', maxLength: 5 } },
  ],
  [
    'a list of unique values is a set',
    Type.Array(Type.String({ maxLength: 5 }), { maxItems: 3, uniqueItems: true }),
    { 'x-kubernetes-list-type': 'set' },
  ],
  [
    'a list of unique objects is a map by all of their fields',
    Type.Array(Type.Object({ a: Type.Boolean(described), b: Type.Boolean(described) }), {
      maxItems: 3,
      uniqueItems: true,
    }),
    { 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['a', 'b'] },
  ],
  [
    'any other list is replaced as a whole',
    Type.Array(Type.String({ maxLength: 5 }), { maxItems: 3 }),
    { 'x-kubernetes-list-type': 'atomic' },
  ],
  ['a small integer is an int32', Type.Integer({ maximum: 9 }), { type: 'integer', format: 'int32' }],
  ['an integer is an int64', Type.Integer(), { type: 'integer', format: 'int64' }],
  [
    'of a union, what is for files is left out',
    Type.Union([
      Type.Object({ file: Type.String() }, { 'x-mooring-only': 'file' }),
      Type.Object({ secret: Type.Boolean(described) }, { 'x-mooring-only': 'object' }),
    ]),
    { type: 'object', required: ['secret'] },
  ],
]

const inexpressible: readonly [string, Type.TSchema, RegExp][] = [
  ['a union', Type.Union([Type.String(), Type.Integer()]), /^spec: a CRD cannot express a union of 2/],
  ['a list of fixed items', Type.Tuple([Type.String()]), /additionalItems/],
  ['any value', Type.Any(), /the type undefined/],
  ['null', Type.Null(), /the type "null"/],
  [
    'a bound that a CRD does not have',
    Type.Unsafe({ type: 'string', contentEncoding: 'base64' }),
    /contentEncoding/,
  ],
  ['a pattern that is not of RE2', Type.String({ pattern: '^(?!a)', maxLength: 5 }), /not one of RE2/],
  ['a string without a bound', Type.String(), /string without maxLength/],
  ['a list without a bound', Type.Array(Type.Boolean()), /list without maxItems/],
  ['a map without a bound', Type.Record(Type.String(), Type.Boolean()), /map without maxProperties/],
  ['a field without a description', field(Type.Boolean()), /field has no description/],
  ['an enum of numbers', Type.Enum([1, 2]), /enum of mixed types/],
  [
    'unique objects that are not told apart by what is required',
    Type.Array(Type.Object({ a: Type.Optional(Type.Boolean(described)) }), {
      maxItems: 3,
      uniqueItems: true,
    }),
    /not required/,
  ],
  [
    'a required field for files',
    field(Type.String({ ...described, maxLength: 5, 'x-mooring-only': 'file' })),
    /requires field, which objects do not have/,
  ],
  [
    'a rule that reads a field by a word of CEL',
    Type.Object({}, { 'x-kubernetes-validations': [{ rule: 'has(self.namespace)', message: '' }] }),
    /the field namespace is written __namespace__/,
  ],
  ['a mistake within', field(Type.Array(Type.Any(), { ...described, maxItems: 1 })), /^spec\.field\[\]: /],
]

describe('a structural schema', () => {
  it.each(converted)('%s', (_title, schema, expected) => {
    expect(convert(schema)).toMatchObject(expected)
  })

  it.each(inexpressible)('is refused for %s', (_title, schema, message) => {
    expect(() => convert(schema)).toThrow(message)
  })

  it('may be without bounds, where no rule reads it', () => {
    expect(convert(Type.Array(Type.String()), false)).toMatchObject({ items: { type: 'string' } })
  })
})

describe.each(kinds.map((kind) => [kind.kind, toCustomResource(kind)] as const))(
  'the CRD of %s',
  (_kind, crd) => {
    const [version] = crd.spec.versions

    it('shows whether it is ready, why not, and its age', () => {
      const names = version?.additionalPrinterColumns.map(({ name }) => name)
      expect(names).toEqual(expect.arrayContaining(['Ready', 'Reason', 'Age']))
      expect(names?.at(-1)).toBe('Age')
    })

    it('has columns that its schema knows', () => {
      const schema = version?.schema.openAPIV3Schema
      for (const { jsonPath } of version?.additionalPrinterColumns ?? []) {
        if (jsonPath.startsWith('.metadata')) continue
        const names = jsonPath
          .replace(/\[.*\]/, '')
          .split('.')
          .slice(1)
        let node: unknown = schema
        for (const name of names.slice(0, jsonPath.includes('[') ? 2 : undefined)) {
          node = Reflect.get(Reflect.get(Object(node), 'properties') ?? {}, name)
        }
        expect(node, jsonPath).toBeDefined()
      }
    })

    it('has a status of its own, one version, and nothing to convert', () => {
      expect(version).toMatchObject({ subresources: { status: {} }, served: true, storage: true })
      expect(crd.spec).toMatchObject({ conversion: { strategy: 'None' }, names: { categories: ['mooring'] } })
    })

    it('has no default for the Nomad namespace or the name', () => {
      const spec = version?.schema.openAPIV3Schema.properties.spec
      for (const name of ['namespace', 'name', 'cluster', 'volumeID']) {
        expect(Reflect.get(Reflect.get(Object(spec), 'properties'), name) ?? {}).not.toHaveProperty('default')
      }
    })
  },
)
