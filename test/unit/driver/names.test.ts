import fc from 'fast-check'
import { expect, test } from 'vitest'
import { checkName, chooseID, isPoolID } from '../../../src/driver/names.ts'

const free = () => false

test.each([
  ['a plain name is the ID', 'postgres-data_1.2', 'postgres-data_1.2'],
  ['a slash becomes a dash, with a hash of the whole', 'team/db', /^team-db-[0-9a-f]{10}$/],
  ['a leading dot or dash goes', '.hidden', /^hidden-[0-9a-f]{10}$/],
  ['a name of nothing plain is its hash', '主', /^[0-9a-f]{10}$/],
])('%s', (_title, name, id) => {
  expect(chooseID(name, free)).toMatch(id)
})

test('a name that is taken gets another ID, and the next one yet another', () => {
  const taken = new Set<string>()
  const ids = Array.from({ length: 5 }, () => {
    const id = chooseID('data', (candidate) => taken.has(candidate))
    taken.add(id)
    return id
  })
  expect(new Set(ids).size).toBe(5)
  expect(ids[0]).toBe('data')
})

test('whatever the name, the ID is one, is free, and differs for names that differ', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (one, other) => {
      const id = chooseID(one, free)
      expect(isPoolID(id)).toBe(true)
      if (one !== other) expect(chooseID(other, (candidate) => candidate === id)).not.toBe(id)
    }),
  )
})

test.each(['', '.', '..', '.x', 'a/b', '/', 'a\\b', 'a\u0000b', 'a\nb', '\ufffd', 'é'.repeat(65)])(
  '%j is no ID',
  (text) => expect(isPoolID(text)).toBe(false),
)

test.each(['legacy data', 'a', '-rf', 'ü', 'x'.repeat(128)])('%j is an ID', (text) =>
  expect(isPoolID(text)).toBe(true),
)

test.each(['', '\u0007', '\u0085'])('%j is no name', (name) => expect(() => checkName(name)).toThrow())

test.each(['x'.repeat(128), 'tab\tand\nnewline', '../..'])('%j is a name', (name) =>
  expect(() => checkName(name)).not.toThrow(),
)
