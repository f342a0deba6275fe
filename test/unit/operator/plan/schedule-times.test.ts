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

/** The first times after a moment. */
function following(schedule: string, timeZone: string, from: string, count: number): string[] {
  let tickMs = at(from)
  return Array.from({ length: count }, () => {
    tickMs = nextTickMs({ schedule, timeZone }, tickMs) ?? Number.NaN
    expect(latestTickMs({ schedule, timeZone }, tickMs)).toBe(tickMs)
    return new Date(tickMs).toISOString().slice(5, 16)
  })
}

describe('the night when clocks go forward', () => {
  // 02:00 to 03:00 is skipped in Berlin and New York, 02:00 to 02:30 on Lord Howe.
  const berlin = ['Europe/Berlin', '2026-03-28T12:00:00Z'] as const
  const newYork = ['America/New_York', '2026-03-07T12:00:00Z'] as const
  const lordHowe = ['Australia/Lord_Howe', '2026-10-03T12:00:00Z'] as const
  it.each([
    ['runs a fixed time right after', '30 2 * * *', berlin, ['03-29T01:00', '03-30T00:30']],
    ['runs several skipped times once, right after', '*/30 2 * * *', berlin, ['03-29T01:00', '03-30T00:00']],
    ['runs a skipped list once', '0,30 2 * * *', newYork, ['03-08T07:00', '03-09T06:00', '03-09T06:30']],
    ['runs a fixed time right after in New York', '30 2 * * *', newYork, ['03-08T07:00', '03-09T06:30']],
    ['runs a skipped hour of several', '0 2-4 * * *', berlin, ['03-29T01:00', '03-29T02:00', '03-30T00:00']],
    [
      'runs each hour once',
      '0 * * * *',
      ['Europe/Berlin', '2026-03-28T23:30:00Z'],
      ['03-29T00:00', '03-29T01:00', '03-29T02:00'],
    ],
    ['makes up nothing where no time is skipped', '0 5 * * *', berlin, ['03-29T03:00', '03-30T03:00']],
    ['knows a gap of half an hour', '15 2 * * *', lordHowe, ['10-03T15:30', '10-04T15:15']],
    [
      'runs a time at the end of the gap once',
      '*/30 2 * * *',
      lordHowe,
      ['10-03T15:30', '10-04T15:00', '10-04T15:30'],
    ],
  ] as const)('%s', (_title, schedule, [timeZone, from], times) => {
    expect(following(schedule, timeZone, from, times.length)).toEqual(times)
  })
})

describe('the night when clocks go back', () => {
  // 02:00 to 03:00 comes twice in Berlin, 01:00 to 02:00 in New York, 01:30 to 02:00 on Lord Howe.
  const berlin = ['Europe/Berlin', '2026-10-24T12:00:00Z'] as const
  const newYork = ['America/New_York', '2026-10-31T12:00:00Z'] as const
  const lordHowe = ['Australia/Lord_Howe', '2026-04-04T12:00:00Z'] as const
  it.each([
    ['runs a fixed time the first time', '30 2 * * *', berlin, ['10-25T00:30', '10-26T01:30']],
    ['runs a fixed time the first time in New York', '30 1 * * *', newYork, ['11-01T05:30', '11-02T06:30']],
    ['runs a fixed time the first time on Lord Howe', '45 1 * * *', lordHowe, ['04-04T14:45', '04-05T15:15']],
    [
      'runs several times both times',
      '*/30 2 * * *',
      berlin,
      ['10-25T00:00', '10-25T00:30', '10-25T01:00', '10-25T01:30', '10-26T01:00'],
    ],
    [
      'runs several times both times on Lord Howe',
      '*/30 1 * * *',
      lordHowe,
      ['04-04T14:00', '04-04T14:30', '04-04T15:00', '04-05T14:30'],
    ],
    [
      'runs each hour, also the one that comes twice',
      '0 * * * *',
      ['Europe/Berlin', '2026-10-24T23:30:00Z'],
      ['10-25T00:00', '10-25T01:00', '10-25T02:00'],
    ],
  ] as const)('%s', (_title, schedule, [timeZone, from], times) => {
    expect(following(schedule, timeZone, from, times.length)).toEqual(times)
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
