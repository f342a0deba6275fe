import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { momentOf } from '../../../../src/lib/clock.ts'
import { longestCallMs, mayStillRun } from '../../../../src/operator/plan/intent.ts'
import { createNow, passedMs } from '../../../../src/operator/plan/now.ts'
import { adjustableClock } from '../../../helpers/adjustable-clock.ts'

const dayMs = 86_400_000

describe('the time that has passed since a stored moment', () => {
  const now = {
    dateMs: 0,
    steadyDateMs: 0,
    runsForMs: 0,
    boot: 'boot-1',
    monotonicMs: 10_000,
    uptimeMs: 10_000,
    startedMs: 7_000,
  }
  it.each([
    [
      'counts from the moment, also across processes of one boot',
      { boot: 'boot-1', monotonicMs: 1_000 },
      9_000,
    ],
    [
      'counts from the start of this process after another boot',
      { boot: 'boot-0', monotonicMs: 1_000 },
      3_000,
    ],
    [
      'counts from the start of this process if the moment is yet to come',
      { boot: 'boot-1', monotonicMs: 20_000 },
      3_000,
    ],
    ['counts from the start of this process if none was stored', undefined, 3_000],
  ])('%s', (_title, moment, passed) => {
    expect(passedMs(now, moment)).toBe(passed)
  })

  it('is what passed, whatever steps the date takes', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.record({
            passesMs: fc.integer({ min: 0, max: 60_000 }),
            leapsMs: fc.integer({ min: -400 * dayMs, max: 400 * dayMs }),
          }),
        ),
        (story) => {
          const clock = adjustableClock()
          const time = createNow(clock)
          const intent = { request: {}, sinceMs: clock.now(), sent: momentOf(clock) }
          let passed = 0
          for (const { passesMs, leapsMs } of story) {
            clock.leap(leapsMs)
            clock.advance(passesMs)
            passed += passesMs
            expect(passedMs(time(), intent.sent)).toBe(passed)
            expect(mayStillRun(intent, undefined, time())).toBe(passed < longestCallMs)
          }
        },
      ),
    )
  })
})
