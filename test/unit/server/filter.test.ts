import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compileFilter, type Field, type Fields } from '../../../src/server/filter/compile-filter.ts'
import { FilterError } from '../../../src/server/filter/expression.ts'

const row = {
  ID: 'data[0]',
  Capacity: 2n ** 62n,
  Ready: true,
  Empty: '',
  Parameters: { type: 'gp3', 'a.b': 'x' },
}
const fields: Fields<typeof row> = new Map<string, Field<typeof row>>([
  ['ID', { type: 'string', read: ({ ID }) => ID }],
  ['Nested.Name', { type: 'string', read: () => 'nested' }],
  ['Empty', { type: 'string', read: ({ Empty }) => Empty }],
  ['Capacity', { type: 'integer', read: ({ Capacity }) => Capacity }],
  ['Ready', { type: 'boolean', read: ({ Ready }) => Ready }],
  ['Parameters', { type: 'map', read: ({ Parameters }) => Parameters }],
])

describe('a filter', () => {
  it.each([
    ['ID == "data[0]"', true],
    ['ID != `data[0]`', false],
    ['ID == data', false],
    ['ID contains data', true],
    ['ID not contains data', false],
    ['data in ID', true],
    ['"x" not in ID', true],
    ['ID matches "^data\\\\[\\\\d+]$"', true],
    ['ID not matches `^d`', false],
    ['Empty is empty and ID is not empty', true],
    ['Capacity == 4611686018427387904', true],
    ['Capacity == 4611686018427387903', false],
    ['Ready == true', true],
    ['Ready != true', false],
    ['Nested.Name == nested', true],
    ['Parameters.type == gp3', true],
    ['Parameters["type"] == "gp3"', true],
    ['Parameters["a.b"] == x', true],
    ['Parameters.none == gp3', false],
    ['Parameters.none != gp3', true],
    ['Parameters.none is empty', true],
    ['type in Parameters', true],
    ['Parameters contains "none"', false],
    ['Parameters is not empty', true],
    ['Parameters.constructor is empty', true],
    ['not Ready == false', true],
    ['ID == x or ID == y or Ready == true', true],
    ['ID == x or Ready == true and ID == y', false],
    ['(ID == x or Ready == true) and not (ID == y)', true],
  ])('%s is %s', (text, wanted) => {
    expect(compileFilter(text, fields)(row)).toBe(wanted)
  })

  it.each([
    ['Secrets.password == x', 'unknown selector "Secrets.password"'],
    ['__proto__ == x', 'unknown selector'],
    ['ID.x == y', '"ID" has no field "x"'],
    ['ID', 'want an operator'],
    ['ID ==', 'want a value, found the end'],
    ['ID == "open', 'no part of a filter'],
    ['ID == "\\x"', 'escape that is not known'],
    ['(ID == x', 'want ")"'],
    ['ID == x ID == y', 'want "and", "or" or the end'],
    ['ID matches "(?=x)"', 'not a regular expression of RE2'],
    ['Capacity == ten', 'not an integer'],
    ['Capacity contains 1', 'of type integer'],
    ['Ready == yes', 'true or false'],
    ['Parameters == x', 'of type map'],
    [`${'not '.repeat(1000)}ID == x`, 'nested deeper'],
  ])('%s is refused', (text, message) => {
    expect(() => compileFilter(text, fields)).toThrow(message)
  })

  it('answers or refuses whatever text it is given', () => {
    const word = fc.constantFrom(
      'ID',
      'Parameters',
      '==',
      'and',
      'not',
      'in',
      '(',
      ')',
      '[',
      '"a"',
      'is',
      'empty',
      '\\',
      '`',
    )
    const text = fc.oneof(
      fc.string(),
      fc.array(word, { maxLength: 12 }).map((words) => words.join(' ')),
    )
    fc.assert(
      fc.property(text, (filter) => {
        try {
          expect(typeof compileFilter(filter, fields)(row)).toBe('boolean')
        } catch (error) {
          expect(error).toBeInstanceOf(FilterError)
        }
      }),
    )
  })
})
