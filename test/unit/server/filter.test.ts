import fc from 'fast-check'
import Type from 'typebox'
import { describe, expect, it } from 'vitest'
import { compileFilter, type Field, type Fields } from '../../../src/server/filter/compile-filter.ts'
import { FilterError } from '../../../src/server/filter/expression.ts'
import { fieldsOf, type Shape } from '../../../src/server/filter/shape.ts'
import { Int64 } from '../../../src/wire/volume.ts'
import { filtered, filterRows } from './filter-rows.ts'

const map = Type.Record(Type.String(), Type.String())
const shapes: Readonly<Record<string, Shape>> = {
  ...fieldsOf(
    Type.Object({
      ID: Type.String(),
      Path: Type.String(),
      Capacity: Int64,
      Small: Type.Integer(),
      Ready: Type.Boolean(),
      Empty: Type.String(),
      Parameters: Type.Union([map, Type.Null()]),
      None: map,
      Tags: Type.Array(Type.String()),
      NoTags: Type.Array(Type.String()),
      Sizes: Type.Array(Type.Integer()),
      Topologies: Type.Array(Type.Object({ Segments: map })),
      Nested: Type.Object({ Name: Type.String(), Size: Type.Integer(), Hidden: Type.Unknown() }),
      Absent: Type.Union([Type.Object({ Name: Type.String() }), Type.Null()]),
    }),
  ),
  Index: { type: 'integer', unsigned: true },
}
const fields: Fields<typeof filtered> = new Map(
  Object.entries(shapes).map(([name, shape]): [string, Field<typeof filtered>] => [
    name,
    { shape, read: (value) => value[name as keyof typeof filtered] },
  ]),
)

describe('a filter', () => {
  const passing = filterRows.filter(({ passes }) => typeof passes === 'boolean')
  it.each(passing.map(({ filter, passes }) => [filter, passes] as const))('%s is %s', (filter, passes) => {
    expect(compileFilter(filter, fields)(filtered)).toBe(passes)
  })

  const refused = filterRows.filter(({ passes }) => typeof passes === 'string')
  it.each(refused.map(({ filter, passes }) => [filter, String(passes)] as const))(
    '%s is refused',
    (filter, message) => {
      expect(() => compileFilter(filter, fields)).toThrow(FilterError)
      expect(() => compileFilter(filter, fields)).toThrow(message)
    },
  )

  it('sees nothing that has no shape', () => {
    expect(() => compileFilter('Nested.Hidden == x', fields)).toThrow('unknown selector')
  })

  it('joins as many conditions as a person may write', () => {
    const ids = Array.from({ length: 5000 }, (_, at) => `ID == "v${at}"`)
    expect(compileFilter(ids.join(' or '), fields)(filtered)).toBe(false)
  })

  it.each(['not ', '('])('that nests "%s" without end is refused', (opening) => {
    expect(() => compileFilter(`${opening.repeat(5000)}ID == x`, fields)).toThrow('nested deeper')
  })

  it('answers or refuses whatever text it is given', () => {
    const word = fc.constantFrom(
      ...['ID', 'Parameters', 'Tags', '==', 'and', 'or', 'not', 'in', '(', ')', '[', '"a"', 'is', 'empty'],
      ...['nil', '\\', '`', 'any', 'all', 'as', '{', '}', 't', ',', '_', '"/ID"', '.', '0', '-1'],
    )
    const text = fc.oneof(
      fc.string(),
      fc.array(word, { maxLength: 14 }).map((words) => words.join(' ')),
    )
    fc.assert(
      fc.property(text, (filter) => {
        try {
          expect(typeof compileFilter(filter, fields)(filtered)).toBe('boolean')
        } catch (error) {
          expect(error).toBeInstanceOf(FilterError)
        }
      }),
    )
  })
})
