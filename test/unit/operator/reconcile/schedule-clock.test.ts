import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { OperationError } from '../../../../src/lib/errors.ts'
import type { SnapshotScheduleSpec } from '../../../../src/operator/declare/snapshot-schedule.ts'
import { schedule, volume } from '../../../builders/declarations.ts'
import { createOperatorModel } from '../../../helpers/operator-model.ts'

const minuteMs = 60_000
const hourMs = 60 * minuteMs
const dayMs = 24 * hourMs
const yearMs = 365 * dayMs
const start = Date.parse('2026-11-01T12:00:30Z')
const key = 'SnapshotSchedule/default/often'

type Model = ReturnType<typeof createOperatorModel>

function begin(spec: Partial<SnapshotScheduleSpec> = {}): Model {
  const model = createOperatorModel(start)
  model.declare(volume('data'))
  model.declare(schedule('often', ['data'], { schedule: '0 * * * *', ...spec }))
  return model
}

/** Passes until nothing is left to do at this moment. */
async function settle(model: Model) {
  for (let round = 0; round < 8; round += 1) await model.run()
}

async function pass(model: Model, hours: number) {
  for (let hour = 0; hour < hours; hour += 1) {
    model.advance(hourMs)
    await settle(model)
  }
}

const namesOf = (model: Model) =>
  [...model.stored.values()]
    .flatMap((record) =>
      record.kind === 'Snapshot' ? [record.declaration.name.slice('often:data:'.length)] : [],
    )
    .sort()

function stateOf(model: Model, of = key): string {
  const found = model.stored.get(of)?.status.conditions.find(({ status }) => status === 'True')
  return `${found?.type} ${found?.reason}`
}

const messageOf = (model: Model) => model.stored.get(key)?.status.conditions[0]?.message ?? ''

/** When each snapshot was deleted, and when it had been taken, by the provider's clock. */
function watchDeletes(model: Model) {
  const deleted: { readonly ageMs: number }[] = []
  const { snapshots } = model.world
  const remove = snapshots.delete.bind(snapshots)
  snapshots.delete = (id) => {
    const found = snapshots.get(id)
    if (found !== undefined) deleted.push({ ageMs: model.nowMs() - Number(found.CreateTime) * 1000 })
    return remove(id)
  }
  return deleted
}

describe('a schedule whose clock leaps', () => {
  it('expires nothing that only a leap made old, and goes on when the clock is right again', async () => {
    const model = begin({ retention: { maxAge: '30d' } })
    await settle(model)
    await pass(model, 5)
    expect(namesOf(model)).toHaveLength(5)
    model.setDate(yearMs)
    await settle(model)
    expect(namesOf(model)).toHaveLength(5)
    expect(stateOf(model)).toBe('Stalled ClockLeapt')
    expect(messageOf(model)).toMatch(/the date has moved 365 days further than the time that passed/)
    model.setDate(0)
    await settle(model)
    expect(stateOf(model)).toBe('Ready Scheduled')
    await pass(model, 1)
    expect(namesOf(model)).toEqual([
      '20261101T130000Z',
      '20261101T140000Z',
      '20261101T150000Z',
      '20261101T160000Z',
      '20261101T170000Z',
      '20261101T180000Z',
    ])
  })

  it.each([
    ['ahead', yearMs],
    ['behind', -yearMs],
  ])('takes its snapshots by the time that passed while the date is %s', async (_title, aheadMs) => {
    const model = begin()
    await settle(model)
    model.setDate(aheadMs)
    await pass(model, 3)
    expect(stateOf(model)).toBe('Stalled ClockLeapt')
    expect(namesOf(model)).toEqual(['20261101T130000Z', '20261101T140000Z', '20261101T150000Z'])
  })

  it('takes the date when a person confirms it, and no later leap with it', async () => {
    const model = begin({ retention: { maxAge: '3h' } })
    await settle(model)
    await pass(model, 2)
    model.setDate(dayMs)
    await settle(model)
    await model.order(key, (orders) => ({
      ...orders,
      trustedClock: { dateMs: model.nowMs() + dayMs, boot: 'boot-1', uptimeMs: model.nowMs() },
    }))
    await settle(model)
    // By the right date both are old, and the run of its last hour is made up.
    expect(namesOf(model)).toEqual(['20261102T140000Z'])
    expect(stateOf(model)).toBe('Ready Scheduled')
    model.setDate(2 * dayMs)
    await settle(model)
    expect(stateOf(model)).toBe('Stalled ClockLeapt')
  })

  it('believes a machine that was off for hours, and asks about one that was off for days', async () => {
    const model = begin({ retention: { maxAge: '2h' } })
    await settle(model)
    await pass(model, 3)
    model.advance(20 * hourMs)
    model.reboot()
    await settle(model)
    expect(stateOf(model)).toBe('Ready Scheduled')
    expect(namesOf(model)).toEqual(['20261102T110000Z'])
    model.advance(3 * dayMs)
    model.reboot()
    await settle(model)
    expect(stateOf(model)).toBe('Stalled ClockLeapt')
    expect(messageOf(model)).toMatch(/The machine was off for that long, or its clock is wrong/)
    expect(namesOf(model)).toEqual(['20261102T110000Z', '20261105T110000Z'])
  })

  it('keeps its doubt when the machine is started again', async () => {
    const model = begin({ retention: { maxAge: '30m' } })
    await settle(model)
    await pass(model, 2)
    model.setDate(3 * hourMs)
    await settle(model)
    expect(stateOf(model)).toBe('Stalled ClockLeapt')
    model.reboot()
    await settle(model)
    expect(stateOf(model)).toBe('Stalled ClockLeapt')
    expect(namesOf(model)).toContain('20261101T140000Z')
  })

  it('counts no run as handled that an earlier version handled in the future', async () => {
    const model = begin()
    await settle(model)
    await pass(model, 1)
    const record = model.stored.get(key)
    if (record?.kind !== 'SnapshotSchedule') throw new Error('no schedule')
    await model.putManaged({ ...record, ticks: { 'Volume/default/data': start + yearMs } })
    await pass(model, 1)
    expect(namesOf(model)).toEqual(['20261101T130000Z', '20261101T140000Z'])
  })

  it('expires nothing that is not old by the time that passed, whatever steps the date takes', async () => {
    const leap = fc.oneof(
      fc.constant(0),
      fc.integer({ min: -400, max: 400 }).map((days) => days * dayMs),
      fc.integer({ min: -600, max: 600 }).map((minutes) => minutes * minuteMs),
    )
    const step = fc.record({
      minutes: fc.integer({ min: 1, max: 200 }),
      aheadMs: leap,
      kill: fc.option(fc.nat({ max: 8 })),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 15 }), async (story) => {
        const model = begin({ retention: { maxAge: '6h' } })
        const deleted = watchDeletes(model)
        await settle(model)
        for (const { minutes, aheadMs, kill } of story) {
          model.advance(minutes * minuteMs)
          model.setDate(aheadMs)
          if (kill !== null) model.killAfter(kill)
          await settle(model)
        }
        // Each reading of the clock takes a step of up to five minutes.
        const slackMs = story.length * 5 * minuteMs
        for (const { ageMs } of deleted) expect(ageMs).toBeGreaterThan(6 * hourMs - slackMs)
      }),
      { numRuns: 40 },
    )
  })

  it('skips and doubles no interval by leaps that are taken back', async () => {
    const leap = fc.oneof(
      fc.integer({ min: -400, max: 400 }).map((days) => days * dayMs),
      fc.constantFrom(-hourMs, hourMs, 3 * hourMs, yearMs),
    )
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.option(leap), { minLength: 1, maxLength: 12 }),
        fc.integer({ min: 0, max: 59 }),
        async (leaps, minute) => {
          const model = begin()
          await settle(model)
          for (const aheadMs of leaps) {
            model.setDate(aheadMs ?? 0)
            await settle(model)
            model.advance(minute * minuteMs)
            await settle(model)
            model.advance(hourMs - minute * minuteMs)
            await settle(model)
          }
          model.setDate(0)
          await settle(model)
          const expected = leaps.map((_leap, index) =>
            new Date(Date.parse('2026-11-01T13:00:00Z') + index * hourMs)
              .toISOString()
              .replace(/[-:]|\.\d+/g, ''),
          )
          expect(namesOf(model)).toEqual(expected)
          expect(model.world.history.snapshotsMade).toHaveLength(leaps.length)
        },
      ),
      { numRuns: 40 },
    )
  })
})

describe('an edited schedule', () => {
  it('makes up nothing from before its times were changed', async () => {
    const model = begin({ schedule: '0 3 * * *' })
    await settle(model)
    await pass(model, 20)
    const before = namesOf(model).length
    // It is 08:00; the new times would have come at 07:45.
    model.declare(schedule('often', ['data'], { schedule: '45 * * * *' }))
    await settle(model)
    expect(namesOf(model)).toHaveLength(before)
    await pass(model, 1)
    expect(namesOf(model)).toHaveLength(before + 1)
  })
})

describe('retention where the plugin cannot list snapshots', () => {
  it('counts as ready what the answer to its create called ready', async () => {
    const model = begin({ retention: { keepLast: 2 } })
    model.world.conditions.canListSnapshots = false
    await settle(model)
    await pass(model, 4)
    expect(namesOf(model)).toEqual(['20261101T150000Z', '20261101T160000Z'])
    expect(stateOf(model)).toBe('Ready Scheduled')
  })

  it('says RetentionUnsupported where that is not known, and goes on once a person keeps these', async () => {
    const model = begin({ retention: { keepLast: 1 } })
    model.world.conditions.canListSnapshots = false
    model.world.conditions.isSnapshotReady = false
    await settle(model)
    await pass(model, 1)
    expect(stateOf(model)).toBe('Stalled RetentionUnsupported')
    expect(messageOf(model)).toMatch(
      /plugin "directories" cannot list snapshots.*often:data:20261101T130000Z/,
    )
    model.world.conditions.isSnapshotReady = true
    await pass(model, 3)
    expect(namesOf(model)).toEqual(['20261101T130000Z', '20261101T160000Z'])
    await model.order('Snapshot/default/often:data:20261101T130000Z', () => ({ keptSinceMs: 1 }))
    await settle(model)
    expect(stateOf(model)).toBe('Ready Scheduled')
  })
})

describe("a schedule's snapshot that somebody deleted at the provider", () => {
  const snapshotKey = 'Snapshot/default/often:data:20261101T130000Z'

  it('is said once, and forgotten when it stays away', async () => {
    const model = begin()
    await settle(model)
    await pass(model, 1)
    model.world.snapshots.clear()
    // A list that lacks what was taken a moment ago may be late.
    model.advance(minuteMs)
    await settle(model)
    expect(stateOf(model, snapshotKey)).toBe('Stalled Vanished')
    model.advance(10 * minuteMs)
    await settle(model)
    expect(model.stored.has(snapshotKey)).toBe(false)
    expect(model.released()).toMatchObject([{ key: snapshotKey, reason: 'Vanished' }])
    await pass(model, 1)
    expect(namesOf(model)).toEqual(['20261101T140000Z'])
  })

  it('is there again when the list was only late', async () => {
    const model = begin()
    await settle(model)
    await pass(model, 1)
    const listed = new Map(model.world.snapshots)
    model.world.snapshots.clear()
    await settle(model)
    for (const [id, each] of listed) model.world.snapshots.set(id, each)
    model.advance(hourMs / 2)
    await settle(model)
    expect(stateOf(model, snapshotKey)).toBe('Ready ReadyToUse')
    model.world.snapshots.clear()
    await settle(model)
    expect(stateOf(model, snapshotKey)).toBe('Stalled Vanished')
  })
})

describe('a schedule without volumes', () => {
  it('still applies its retention to what it made', async () => {
    const model = begin({ retention: { keepLast: 5 } })
    await settle(model)
    await pass(model, 3)
    expect(namesOf(model)).toHaveLength(3)
    model.declare(schedule('often', ['other'], { schedule: '0 * * * *', retention: { keepLast: 1 } }))
    await settle(model)
    expect(namesOf(model)).toEqual(['20261101T150000Z'])
    expect(stateOf(model)).toBe('Reconciling NoVolumes')
  })
})

describe('a schedule of a volume whose data is lost', () => {
  it('takes no snapshot of it, and goes on when the volume is there again', async () => {
    const model = begin()
    await settle(model)
    await pass(model, 1)
    model.world.people.destroy('data')
    model.world.people.deregister('data')
    await settle(model)
    expect(stateOf(model, 'Volume/default/data')).toBe('Stalled Vanished')
    const before = model.world.history.snapshotsMade.length
    await pass(model, 5)
    expect(model.world.history.snapshotsMade).toHaveLength(before)
    expect(stateOf(model)).toBe('Reconciling RunWaits')
    expect(messageOf(model)).toMatch(/volume "data" is Stalled with Vanished: there is nothing to take/)
  })
})

describe('snapshots of a schedule that the plugin refuses for good', () => {
  it('leave no more than the last one behind', async () => {
    const model = begin()
    await settle(model)
    model.world.api.createSnapshot = () =>
      Promise.reject(new OperationError('no', { kind: 'permanent', reason: 'Refused' }))
    await pass(model, 5)
    expect(namesOf(model)).toEqual(['20261101T170000Z'])
  })
})
