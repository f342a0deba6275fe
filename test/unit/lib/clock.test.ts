import { expect, it } from 'vitest'
import { every } from '../../../src/lib/clock.ts'
import { adjustableClock } from '../../helpers/adjustable-clock.ts'

it('every calls again and again until it is ended, by its own callback too', () => {
  const clock = adjustableClock()
  let calls = 0
  const end = every(clock, 100, () => {
    calls += 1
    if (calls === 3) end()
  })
  clock.advance(99)
  expect(calls).toBe(0)
  clock.advance(101)
  expect(calls).toBe(2)
  clock.advance(1000)
  expect(calls).toBe(3)
})
