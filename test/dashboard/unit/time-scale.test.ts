import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createTimeScale } from '../../../dashboard/src/pages/time-scale.ts'

const hourMs = 3_600_000
const dayMs = 24 * hourMs

describe('the scale of a time line', () => {
  it('places now at its beginning and the longest distance at its end, and keeps the order between', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: hourMs, max: 3000 * dayMs }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (longest, part) => {
          const { place } = createTimeScale(longest)
          expect(place(0)).toBe(0)
          expect(place(longest)).toBeCloseTo(1)
          expect(place(longest * part)).toBeLessThanOrEqual(place(longest))
          expect(place(longest * part)).toBeGreaterThanOrEqual(place((longest * part) / 2))
        },
      ),
    )
  })

  it('gives hours near now and months far from it room beside each other', () => {
    const { place } = createTimeScale(90 * dayMs)
    expect(place(dayMs) - place(6 * hourMs)).toBeGreaterThan(0.04)
    expect(place(90 * dayMs) - place(60 * dayMs)).toBeLessThan(0.2)
  })

  it('leaves out marks that would touch each other or lie beyond the end', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 3000 * dayMs }), (longest) => {
        const marks = createTimeScale(longest).marks(0.12, 0.45)
        for (const [index, { at }] of marks.entries()) {
          expect(at).toBeLessThanOrEqual(1)
          expect(at - (marks[index - 1]?.at ?? 0)).toBeGreaterThanOrEqual(0.12)
        }
        const coarse = marks.filter(({ isFine }) => !isFine)
        for (const [index, { at }] of coarse.entries()) {
          expect(at - (coarse[index - 1]?.at ?? 0)).toBeGreaterThanOrEqual(0.45)
        }
      }),
    )
  })
})
