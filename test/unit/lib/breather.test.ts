import { expect, it } from 'vitest'
import { nextSlice } from '../../../src/lib/breather.ts'

it('gives slices of long work one by one, and the event loop a turn between any two', async () => {
  const happened: string[] = []
  let isOver = false
  const beat = () => {
    happened.push('loop')
    if (!isOver) setImmediate(beat)
  }
  setImmediate(beat)
  const work = async (name: string) => {
    for (let slice = 0; slice < 3; slice += 1) {
      await nextSlice()
      happened.push(name)
    }
  }
  await Promise.all([work('one'), work('other'), work('third')])
  isOver = true
  const slices = happened.flatMap((what, at) => (what === 'loop' ? [] : [at]))
  expect(slices).toHaveLength(9)
  for (const [index, at] of slices.slice(0, -1).entries()) {
    expect(happened.slice(at, slices[index + 1])).toContain('loop')
  }
})
