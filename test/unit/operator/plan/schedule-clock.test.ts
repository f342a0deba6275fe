import { describe, expect, it } from 'vitest'
import type { Now } from '../../../../src/operator/plan/now.ts'
import { findLeap } from '../../../../src/operator/plan/schedule-clock.ts'
import { nowAt } from '../../../builders/now.ts'

const hourMs = 3_600_000
const readAtMs = Date.parse('2026-11-01T12:00:00Z')
/** What a leader on another machine stored. */
const clock = { dateMs: readAtMs, boot: 'another boot', uptimeMs: 5 * hourMs }

/** A process that has run for two hours, and that reads this date now. It would be so late if nobody had set the date. */
const standby = (steadyDateMs: number, dateMs: number, runsForMs = 2 * hourMs): Now => ({
  ...nowAt(dateMs),
  startedMs: dateMs,
  steadyDateMs,
  runsForMs,
})

describe('a replica that takes over on another machine', () => {
  const soonMs = readAtMs + hourMs / 2
  it.each<[string, Now, ReturnType<typeof findLeap>]>([
    ['believes a date that nobody set', standby(soonMs, soonMs), undefined],
    [
      'sees that the date leapt ahead while it stood by',
      standby(soonMs, soonMs + hourMs),
      { type: 'ahead', expectedMs: soonMs },
    ],
    ['believes a small step', standby(soonMs, soonMs + 200_000), undefined],
    [
      'believes many small steps in a month',
      standby(soonMs, soonMs + 1_000_000, 31 * 24 * hourMs),
      undefined,
    ],
    ['believes a date that was put right after its start', standby(0, soonMs), undefined],
  ])('%s', (_title, now, leap) => {
    expect(findLeap({ clock, status: { conditions: [] } }, now)).toEqual(leap)
  })
})
