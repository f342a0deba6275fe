import { expect, it } from 'vitest'
import { tableOptionsFor } from '../../../src/cli/table.ts'
import { widthOf } from '../../../src/cli/wrap.ts'

it.each([
  [{ columns: 120 }, 120],
  [{ columns: 0 }, 80],
  [{}, 80],
])('a terminal %j is %i characters wide', (terminal, width) => {
  expect(widthOf(terminal)).toBe(width)
  const stream = { ...terminal, isTTY: true, hasColors: () => false } as unknown as NodeJS.WriteStream
  expect(tableOptionsFor(stream).width).toBe(width)
})
