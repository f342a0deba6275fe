import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Backoff, createBackoff } from '../../../../src/operator/engine/backoff.ts'

let nowMs = 0
const times = { baseMs: 1000, maxMs: 300_000, clock: { monotonicMs: () => nowMs } }

/** Fails a key when its delay is over. */
function failInTime(backoff: Backoff, key: string): number {
  const delayMs = backoff.failed(key)
  nowMs += delayMs
  return delayMs
}

describe('backoff', () => {
  it('doubles from the base to the ceiling, each key for itself (nomad#25349)', () => {
    const backoff = createBackoff({ ...times, random: () => 0 })
    const delays = Array.from({ length: 11 }, () => failInTime(backoff, 'a'))
    expect(delays).toEqual([
      1000, 2000, 4000, 8000, 16_000, 32_000, 64_000, 128_000, 256_000, 300_000, 300_000,
    ])
    expect(backoff.failed('b')).toBe(1000)
  })

  it('starts over after a success', () => {
    const backoff = createBackoff({ ...times, random: () => 0 })
    backoff.failed('a')
    backoff.failed('a')
    expect(backoff.failing()).toBe(1)
    backoff.succeeded('a')
    expect(backoff.failing()).toBe(0)
    expect(backoff.failed('a')).toBe(1000)
  })

  it('leaves the delay as it is when a try before its end fails too', () => {
    const backoff = createBackoff({ ...times, random: () => 0 })
    failInTime(backoff, 'a')
    expect(backoff.failed('a')).toBe(2000)
    nowMs += 500
    expect(backoff.failed('a')).toBe(1500)
    nowMs += 1500
    expect(backoff.failed('a')).toBe(4000)
  })

  it('shortens a delay by up to half of it, and never makes one longer', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        fc.nat(2000),
        (jitter, row) => {
          const backoff = createBackoff({ ...times, random: () => jitter })
          for (let failure = 0; failure < row; failure++) failInTime(backoff, 'a')
          const fullMs = Math.min(300_000, 1000 * 2 ** row)
          const delayMs = backoff.failed('a')
          expect(delayMs).toBeGreaterThanOrEqual(fullMs / 2)
          expect(delayMs).toBeLessThanOrEqual(fullMs)
        },
      ),
    )
  })
})
