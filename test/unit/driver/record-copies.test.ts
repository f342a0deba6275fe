import Type from 'typebox'
import { expect, test } from 'vitest'
import { chooseCopy, parseCopy, type RecordCopy } from '../../../src/driver/record-copies.ts'

interface Stored {
  readonly id: string
  readonly generation?: number
}
const good = (generation?: number): RecordCopy<Stored> => ({
  state: 'good',
  record: { id: 'a', ...(generation !== undefined && { generation }) },
})
const absent: RecordCopy<Stored> = { state: 'absent' }
const damaged: RecordCopy<Stored> = { state: 'damaged', reason: 'is empty' }

test.each([
  ['the later one counts: the row', good(3), good(2), 'row'],
  ['the later one counts: the file beside', good(2), good(3), 'beside'],
  ['of the same time, the row counts', good(2), good(2), 'row'],
  ['a copy from before there were generations is the older one', good(), good(1), 'beside'],
  ['a copy counts where the other is damaged: the row', good(1), damaged, 'row'],
  ['a copy counts where the other is damaged: the file beside', damaged, good(1), 'beside'],
  ['a copy counts where the other is lost: the row', good(1), absent, 'row'],
  ['a copy counts where the other is lost: the file beside', absent, good(1), 'beside'],
])('%s', (_title, row, beside, from) => {
  expect(chooseCopy(row, beside)).toMatchObject({ from })
})

test.each([
  ['both are damaged', damaged, damaged, 'in doubt'],
  ['the only one is damaged: the row', damaged, absent, 'in doubt'],
  ['the only one is damaged: the file beside', absent, damaged, 'in doubt'],
  ['there is none', absent, absent, undefined],
])('nothing is made up where %s', (_title, row, beside, expected) => {
  expect(chooseCopy(row, beside)).toBe(expected)
})

test.each([
  ['', 'is empty'],
  ['\0\0\0', 'is not JSON'],
  ['{"id": "a"', 'is not JSON'],
  ['{"name": "a"}', 'is no record of this driver'],
  ['{"id": "b"}', 'is the record of something else'],
])('the text %j is damaged: it %s', (text, reason) => {
  expect(parseCopy(Type.Object({ id: Type.String() }), 'a', text)).toEqual({ state: 'damaged', reason })
})
