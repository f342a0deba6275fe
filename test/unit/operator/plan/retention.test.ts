import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { planRetention, type RetentionCandidate } from '../../../../src/operator/plan/retention.ts'

const hourMs = 3_600_000
const dayMs = 24 * hourMs
const nowMs = Date.parse('2026-11-23T12:00:00Z')

/** One snapshot, taken so many hours before now. */
function taken(hoursAgo: number, fields: Partial<RetentionCandidate> = {}): RetentionCandidate {
  return {
    key: `${hoursAgo}h`,
    tickMs: nowMs - hoursAgo * hourMs,
    isReady: true,
    isKeptByHand: false,
    isInUse: false,
    ...fields,
  }
}

function keptOf(
  candidates: readonly RetentionCandidate[],
  retention: Parameters<typeof planRetention>[1],
  zone = 'Etc/UTC',
) {
  return [...planRetention(candidates, retention, zone, nowMs).kept.keys()]
}

describe('planRetention', () => {
  it.each<[string, RetentionCandidate[], Parameters<typeof planRetention>[1], string[]]>([
    ['keeps all without a retention', [taken(1), taken(1000)], undefined, ['1h', '1000h']],
    ['keeps the newest by count', [taken(3), taken(1), taken(2)], { keepLast: 2 }, ['1h', '2h']],
    ['keeps by age alone where no count is given', [taken(1), taken(25)], { maxAge: '1d' }, ['1h']],
    [
      'lets the age end what a count would keep',
      [taken(1), taken(25)],
      { keepLast: 5, maxAge: '1d' },
      ['1h'],
    ],
    [
      'keeps the newest of each day',
      [taken(1), taken(2), taken(25), taken(26)],
      { keepDaily: 2 },
      ['1h', '25h'],
    ],
    ['counts only days that have one', [taken(1), taken(100), taken(200)], { keepDaily: 2 }, ['1h', '100h']],
    [
      'keeps the newest of each hour',
      [taken(0.1), taken(0.2), taken(1.1)],
      { keepHourly: 2 },
      ['0.1h', '1.1h'],
    ],
    // Monday 2026-11-23; 13 hours before it was Sunday.
    ['begins weeks on Monday', [taken(1), taken(11), taken(13)], { keepWeekly: 2 }, ['1h', '13h']],
    [
      'keeps the newest of each month',
      [taken(1), taken(24 * 20), taken(24 * 24)],
      { keepMonthly: 2 },
      ['1h', '576h'],
    ],
    ['keeps the last ready one whatever the age', [taken(1000)], { maxAge: '1d' }, ['1000h']],
    ['counts none that is not ready', [taken(1, { isReady: false }), taken(2)], { keepLast: 1 }, ['2h']],
    [
      'keeps what a person asked to keep',
      [taken(1), taken(50, { isKeptByHand: true })],
      { keepLast: 1 },
      ['1h', '50h'],
    ],
    [
      'keeps one from the future, which a wrong clock took, and counts it for nothing',
      [taken(-24 * 365), taken(1), taken(2)],
      { keepLast: 1 },
      ['1h', '-8760h'],
    ],
    [
      'keeps by age what its plugin took lately, though a wrong clock gave it an old time',
      [taken(1), taken(24 * 365, { takenAtMs: nowMs - hourMs })],
      { maxAge: '30d' },
      ['1h', '8760h'],
    ],
    [
      'keeps by age what is young by its time, though its plugin has a wrong clock',
      [taken(1), taken(2, { takenAtMs: 0 })],
      { maxAge: '30d' },
      ['1h', '2h'],
    ],
    [
      'keeps what a volume is still to be made from',
      [taken(1), taken(50, { isInUse: true })],
      { keepLast: 1 },
      ['1h', '50h'],
    ],
  ])('%s', (_title, candidates, retention, kept) => {
    expect(keptOf(candidates, retention)).toEqual(kept)
  })

  it('ends days where the zone of the schedule does', () => {
    // 12:30 and 11:30 before now: 23:30 and 00:30 in universal time, both after midnight in Berlin.
    const around = [taken(11.5), taken(12.5)]
    expect(keptOf(around, { keepDaily: 2 }, 'Etc/UTC')).toHaveLength(2)
    expect(keptOf(around, { keepDaily: 2 }, 'Europe/Berlin')).toHaveLength(1)
  })

  it('names every rule that keeps one', () => {
    const { kept } = planRetention([taken(1)], { keepLast: 1, keepDaily: 1 }, 'Etc/UTC', nowMs)
    expect(kept.get('1h')).toEqual(['keepLast', 'keepDaily', 'last ready'])
  })

  const candidates = fc.uniqueArray(
    fc.record({
      hours: fc.integer({ min: 0, max: 24 * 400 }),
      isReady: fc.boolean(),
      isKeptByHand: fc.boolean(),
      isInUse: fc.boolean(),
    }),
    { selector: ({ hours }) => hours, maxLength: 40 },
  )
  const small = fc.nat({ max: 5 })
  const retention = fc.record({
    keepLast: small,
    keepHourly: small,
    keepDaily: small,
    keepWeekly: small,
    keepMonthly: small,
    maxAge: fc.constantFrom('1h', '3d', '90d'),
  })

  it('never expires the last ready one, nor one that is kept, in use or not ready (snapscheduler#688)', () => {
    fc.assert(
      fc.property(candidates, retention, (rows, rules) => {
        const all = rows.map(({ hours, ...fields }) => taken(hours, fields))
        const { expired } = planRetention(all, rules, 'Europe/Berlin', nowMs)
        const newest = all.filter(({ isReady }) => isReady).sort((one, other) => other.tickMs - one.tickMs)[0]
        for (const candidate of all) {
          if (candidate === newest || candidate.isKeptByHand || candidate.isInUse || !candidate.isReady) {
            expect(expired).not.toContain(candidate.key)
          }
        }
      }),
    )
  })

  it('expires no more once those that it expired are gone', () => {
    fc.assert(
      fc.property(candidates, retention, (rows, rules) => {
        const all = rows.map(({ hours, ...fields }) => taken(hours, fields))
        const { expired } = planRetention(all, rules, 'Etc/UTC', nowMs)
        const left = all.filter(({ key }) => !expired.includes(key))
        expect(planRetention(left, rules, 'Etc/UTC', nowMs).expired).toEqual([])
      }),
    )
  })

  it('keeps at most one a day by the daily rule', () => {
    const many = Array.from({ length: 24 * 10 }, (_, hour) => taken(hour))
    const kept = keptOf(many, { keepDaily: 7 })
    const days = new Set(kept.map((key) => Math.floor((nowMs - Number.parseFloat(key) * hourMs) / dayMs)))
    expect(kept).toHaveLength(7)
    expect(days.size).toBe(7)
  })
})
