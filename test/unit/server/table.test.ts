import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compareBytes, Table } from '../../../src/server/state/table.ts'

const text = fc.string({
  unit: fc.constantFrom('a', 'b', '-', '/', 'é', '\ud7ff', '\ue000', '\uffff', '😀', '\u{10ffff}'),
})

describe('the order of texts', () => {
  it('is that of their bytes in UTF-8', () => {
    fc.assert(
      fc.property(text, text, (a, b) => {
        expect(Math.sign(compareBytes(a, b))).toBe(Buffer.compare(Buffer.from(a), Buffer.from(b)))
      }),
    )
  })
})

describe('a table', () => {
  it('has the last row of each key, in order and in its group', () => {
    const change = fc.record({ id: text, remove: fc.boolean(), value: fc.nat() })
    fc.assert(
      fc.property(fc.array(change, { maxLength: 60 }), (changes) => {
        const table = new Table<{ id: string; value: number }, { id: string }>(
          ({ id }) => id,
          (a, b) => compareBytes(a.id, b.id),
          ({ value }) => `group ${value % 3}`,
        )
        const model = new Map<string, number>()
        for (const { id, remove, value } of changes) {
          if (remove) table.remove(id)
          else table.set({ id, value })
          if (remove) model.delete(id)
          else model.set(id, value)
        }
        const wanted = [...model].sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
        expect(table.list().map(({ id, value }) => [id, value])).toEqual(wanted)
        for (const group of [0, 1, 2]) {
          const rows = table.group(`group ${group}`).map(({ id, value }) => [id, value])
          expect(new Map(rows as [string, number][])).toEqual(
            new Map(wanted.filter(([, value]) => value % 3 === group)),
          )
          expect(rows).toHaveLength(new Set(rows.map(([id]) => id)).size)
        }
      }),
    )
  })
})
