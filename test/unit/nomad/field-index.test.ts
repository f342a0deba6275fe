import fc from 'fast-check'
import { expect, it } from 'vitest'
import { createFieldIndex } from '../../../src/nomad/field-index.ts'

const entry = fc.record({ value: fc.constantFrom('a', 'b'), key: fc.constantFrom('1', '2', '3') })

it('finds exactly the keys that were added and not removed', () => {
  fc.assert(
    fc.property(fc.array(fc.record({ adds: fc.boolean(), entry })), (changes) => {
      const index = createFieldIndex()
      const model = new Set<string>()
      for (const { adds, entry } of changes) {
        const token = `${entry.value} ${entry.key}`
        if (adds) {
          index.add(entry.value, entry.key)
          model.add(token)
        } else {
          index.remove(entry.value, entry.key)
          model.delete(token)
        }
      }
      for (const value of ['a', 'b', 'c']) {
        const expected = ['1', '2', '3'].filter((key) => model.has(`${value} ${key}`))
        expect([...index.find(value)].sort()).toEqual(expected)
      }
    }),
  )
})
