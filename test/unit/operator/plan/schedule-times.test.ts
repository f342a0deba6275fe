import { describe, expect, it } from 'vitest'
import { latestTickMs, nextTickMs } from '../../../../src/operator/plan/schedule-times.ts'

const at = (text: string) => Date.parse(text)
const iso = (ms: number | undefined) => (ms === undefined ? undefined : new Date(ms).toISOString())

describe('latestTickMs', () => {
  it.each([
    ['the very moment counts', '0 3 * * *', 'Etc/UTC', '2026-11-01T03:00:00Z', '2026-11-01T03:00:00.000Z'],
    [
      'just before it is the one before',
      '0 3 * * *',
      'Etc/UTC',
      '2026-11-01T02:59:59.999Z',
      '2026-10-31T03:00:00.000Z',
    ],
    [
      'the clock of its zone counts',
      '0 3 * * *',
      'Europe/Berlin',
      '2026-07-01T02:00:00Z',
      '2026-07-01T01:00:00.000Z',
    ],
    [
      'a time that is skipped in spring runs right after',
      '30 2 * * *',
      'Europe/Berlin',
      '2026-03-29T12:00:00Z',
      '2026-03-29T01:00:00.000Z',
    ],
    [
      'a time that comes twice in autumn runs the first time',
      '30 2 * * *',
      'Europe/Berlin',
      '2026-10-25T12:00:00Z',
      '2026-10-25T00:30:00.000Z',
    ],
  ])('%s', (_title, schedule, timeZone, now, tick) => {
    expect(iso(latestTickMs({ schedule, timeZone }, at(now)))).toBe(tick)
  })
})

describe('nextTickMs', () => {
  it('is never the moment itself', () => {
    expect(iso(nextTickMs({ schedule: '0 3 * * *', timeZone: 'Etc/UTC' }, at('2026-11-01T03:00:00Z')))).toBe(
      '2026-11-02T03:00:00.000Z',
    )
  })

  it('does not come twice in the night when clocks go back', () => {
    const berlin = { schedule: '30 2 * * *', timeZone: 'Europe/Berlin' }
    const first = nextTickMs(berlin, at('2026-10-24T12:00:00Z')) ?? 0
    expect(iso(nextTickMs(berlin, first))).toBe('2026-10-26T01:30:00.000Z')
  })
})
