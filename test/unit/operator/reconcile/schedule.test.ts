import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { SnapshotScheduleRecord } from '../../../../src/operator/plan/record.ts'
import type { ScheduleObservation } from '../../../../src/operator/plan/schedule-observation.ts'
import { planSchedule } from '../../../../src/operator/plan/schedule-plan.ts'
import { schedule, volume } from '../../../builders/declarations.ts'
import { nowAt } from '../../../builders/now.ts'
import { nomadPlugin } from '../../../builders/observed.ts'
import { createOperatorModel } from '../../../helpers/operator-model.ts'

const hourMs = 3_600_000
const start = Date.parse('2026-11-01T12:00:00Z')

/** Passes until nothing is left to do at this moment. */
async function settle(model: ReturnType<typeof createOperatorModel>) {
  for (let round = 0; round < 12; round += 1) await model.run()
}

function timesOf(model: ReturnType<typeof createOperatorModel>): string[] {
  return [...model.stored.values()]
    .flatMap((record) => (record.kind === 'Snapshot' && record.schedule ? [record.declaration.name] : []))
    .sort()
}

function statusOf(model: ReturnType<typeof createOperatorModel>, name = 'nightly') {
  const status = model.stored.get(`SnapshotSchedule/default/${name}`)?.status
  return { ...status, ready: status?.conditions.find(({ type }) => type === 'Ready') }
}

describe('a snapshot schedule', () => {
  it('takes one snapshot a run and says when the next is', async () => {
    const model = createOperatorModel(start)
    model.declare(volume('data'))
    model.declare(schedule('nightly', ['data']))
    await settle(model)
    expect(timesOf(model)).toEqual([])
    expect(statusOf(model).nextRunMs).toBe(Date.parse('2026-11-02T03:00:00Z'))

    model.advance(15.5 * hourMs)
    await settle(model)
    expect(timesOf(model)).toEqual(['nightly:data:20261102T030000Z'])
    expect(model.world.history.snapshotsMade).toHaveLength(1)
    expect(statusOf(model)).toMatchObject({
      lastRunMs: Date.parse('2026-11-02T03:00:00Z'),
      ready: { status: 'True' },
    })
    await settle(model)
    expect(model.world.history.snapshotsMade).toHaveLength(1)
  })

  it('makes up one missed run within its deadline, and none from before it was declared (snapscheduler#309)', async () => {
    const model = createOperatorModel(start)
    model.declare(volume('data'))
    model.declare(schedule('nightly', ['data'], { startingDeadlineSeconds: 7200 }))
    await settle(model)
    // Nobody is there for three nights; the last run is an hour ago.
    model.advance(2 * 24 * hourMs + 16 * hourMs)
    await settle(model)
    expect(timesOf(model)).toEqual(['nightly:data:20261104T030000Z'])
  })

  it('misses a run beyond its deadline, and says so', async () => {
    const model = createOperatorModel(start)
    model.declare(volume('data'))
    model.declare(schedule('nightly', ['data']))
    await settle(model)
    model.advance(20 * hourMs)
    await settle(model)
    expect(timesOf(model)).toEqual([])
    expect(statusOf(model).lastMissedRunMs).toBe(Date.parse('2026-11-02T03:00:00Z'))
  })

  it('is not ready while the newest good snapshot of a volume is older than its objective, and is again with the next', async () => {
    const model = createOperatorModel(start)
    model.declare(volume('data'))
    model.declare(schedule('nightly', ['data'], { objectives: { age: '26h' } }))
    await settle(model)
    expect(statusOf(model).ready).toMatchObject({ status: 'True' })
    model.advance(15.5 * hourMs)
    await settle(model)
    model.advance(24 * hourMs)
    await settle(model)
    expect(statusOf(model).ready).toMatchObject({ status: 'True' })
    // The next night nobody is there in time.
    model.advance(28 * hourMs)
    await settle(model)
    expect(statusOf(model).ready).toMatchObject({
      status: 'False',
      reason: 'ObjectiveMissed',
      message:
        'spec.objectives.age is 26h, and volume "data" has its newest good snapshot from 2026-11-03T03:30:00.000Z. ' +
        'Next run at 2026-11-05T03:00:00.000Z. To take one now, run mooring snapshot now default/nightly',
    })
    model.advance(20 * hourMs)
    await settle(model)
    expect(statusOf(model).ready).toMatchObject({ status: 'True' })
  })

  it('gives a volume without any snapshot as long as its objective says', async () => {
    const model = createOperatorModel(start)
    model.declare(schedule('nightly', ['data'], { objectives: { age: '3h' } }))
    await settle(model)
    model.advance(6 * hourMs)
    model.declare(volume('data'))
    await settle(model)
    await settle(model)
    expect(statusOf(model).ready).toMatchObject({ status: 'True' })
    model.advance(3 * hourMs)
    await settle(model)
    expect(statusOf(model).ready).toMatchObject({
      reason: 'ObjectiveMissed',
      message: expect.stringContaining('has no good snapshot since 2026-11-01T18:00'),
    })
  })

  it('selects volumes by label, and each has its own snapshot', async () => {
    const model = createOperatorModel(start)
    model.declare(volume('a', {}, undefined, { tier: 'gold' }))
    model.declare(volume('b', {}, undefined, { tier: 'gold' }))
    model.declare(volume('c', {}, undefined, { tier: 'tin' }))
    model.declare(schedule('nightly', [], { volumes: { selector: { matchLabels: { tier: 'gold' } } } }))
    await settle(model)
    model.advance(15.5 * hourMs)
    await settle(model)
    expect(timesOf(model)).toEqual(['nightly:a:20261102T030000Z', 'nightly:b:20261102T030000Z'])
  })

  it('keeps what its retention keeps, deletes the rest, and says which rule keeps each', async () => {
    const model = createOperatorModel(start)
    model.declare(volume('data'))
    model.declare(schedule('nightly', ['data'], { retention: { keepLast: 2 } }))
    await settle(model)
    model.advance(15.5 * hourMs)
    for (let night = 0; night < 4; night += 1) {
      await settle(model)
      model.advance(24 * hourMs)
    }
    expect(model.world.history.snapshotsMade).toHaveLength(4)
    expect(timesOf(model)).toEqual(['nightly:data:20261104T030000Z', 'nightly:data:20261105T030000Z'])
    expect(model.world.snapshots.size).toBe(2)
    expect(Object.values(statusOf(model).kept ?? {})).toEqual([['keepLast', 'last ready'], ['keepLast']])
  })

  it('expires none while newer ones are gone from storage, however old the rest', async () => {
    const model = createOperatorModel(start)
    model.declare(volume('data'))
    model.declare(schedule('nightly', ['data'], { retention: { keepLast: 2 } }))
    await settle(model)
    model.advance(15.5 * hourMs)
    for (let night = 0; night < 2; night += 1) {
      await settle(model)
      model.advance(24 * hourMs)
    }
    const [newest = ''] = [...model.world.snapshots.keys()].slice(-1)
    model.world.snapshots.delete(newest)
    await settle(model)
    model.world.snapshots.delete([...model.world.snapshots.keys()].slice(-1)[0] ?? '')
    await settle(model)
    expect(model.world.snapshots.size).toBe(1)
  })

  it('is Stalled while its last run took no snapshot, and ready after the next one that does', async () => {
    const model = createOperatorModel(start)
    const { world } = model
    const plugin = nomadPlugin('directories', { SupportsListVolumes: false })
    world.observer.plugin = async () => plugin
    model.declare(volume('data'))
    model.declare(schedule('nightly', ['data']))
    await settle(model)
    const lost = [...world.disks]
    world.disks.clear()
    model.advance(15.5 * hourMs)
    await settle(model)
    expect(statusOf(model).ready).toMatchObject({ status: 'False', reason: 'ExternalVolumeNotFound' })
    expect(statusOf(model).ready?.message).toContain('the last run took no snapshot of volume "data"')
    for (const [externalID, disk] of lost) world.disks.set(externalID, disk)
    model.advance(24 * hourMs)
    await settle(model)
    expect(statusOf(model).ready).toMatchObject({ status: 'True' })
  })

  it('is not ready while the snapshot of its last run waits for the plugin, and ready once that has taken it', async () => {
    const model = createOperatorModel(start)
    const { world } = model
    model.declare(volume('data'))
    model.declare(schedule('nightly', ['data']))
    await settle(model)
    const present = world.observer.plugin
    world.observer.plugin = async () => nomadPlugin('directories', {}, { Controllers: {} })
    model.advance(15.5 * hourMs)
    await settle(model)
    expect(statusOf(model).ready).toMatchObject({ status: 'False', reason: 'PluginUnavailable' })
    expect(statusOf(model).ready?.message).toContain(
      'the last run has taken no snapshot yet of volume "data"',
    )
    world.observer.plugin = present
    model.advance(60_000)
    await settle(model)
    expect(statusOf(model).ready).toMatchObject({ status: 'True' })
    expect(world.snapshots.size).toBe(1)
  })

  it('says that its next run takes nothing where its snapshot is there already', async () => {
    const model = createOperatorModel(start)
    model.declare(volume('data'))
    model.declare(schedule('nightly', ['data']))
    await settle(model)
    model.advance(15.5 * hourMs)
    await settle(model)
    const record = model.stored.get('SnapshotSchedule/default/nightly') as SnapshotScheduleRecord
    const snapshots = [...model.stored.values()].filter((each) => each.kind === 'Snapshot')
    const observation: ScheduleObservation = {
      volumes: [{ key: 'Volume/default/data', name: 'data', exists: true }],
      snapshots,
      ready: new Set(),
      silent: new Set(),
      unknown: new Map(),
      keptByHand: new Set(),
      sourcesInUse: new Set(),
    }
    // Another machine, whose date is behind, takes over: its record has no reading that tells.
    const { clock: _, ...taken } = record
    const plannedAt = (date: string) =>
      planSchedule(record.declaration, taken, observation, nowAt(Date.parse(date))).verdict
    expect(plannedAt('2026-11-02T01:00:00Z')).toMatchObject({ state: 'waiting', reason: 'RunWaits' })
    expect(plannedAt('2026-11-02T04:00:00Z')).toMatchObject({ state: 'ready' })
    // A few minutes are a correction of the clock.
    expect(plannedAt('2026-11-02T02:58:00Z')).toMatchObject({ state: 'ready' })
  })

  it('leaves its snapshots when it ends', async () => {
    const model = createOperatorModel(start)
    model.declare(volume('data'))
    model.declare(schedule('nightly', ['data'], { retention: { keepLast: 1 } }))
    await settle(model)
    model.advance(15.5 * hourMs)
    await settle(model)
    model.remove('nightly.yaml')
    for (let round = 0; round < 3; round += 1) {
      await settle(model)
      model.advance(hourMs)
    }
    expect(model.stored.has('SnapshotSchedule/default/nightly')).toBe(false)
    expect(timesOf(model)).toHaveLength(1)
    expect(model.world.snapshots.size).toBe(1)
  })

  it('takes one snapshot for each time, whatever is killed when', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat({ max: 14 }), { maxLength: 12 }), async (kills) => {
        const model = createOperatorModel(start)
        model.declare(volume('data'))
        model.declare(schedule('nightly', ['data'], { startingDeadlineSeconds: 36_000 }))
        await settle(model)
        model.advance(15.5 * hourMs)
        for (const effects of kills) {
          model.killAfter(effects)
          await model.run()
        }
        // Whatever was under way when the last one died is over by now.
        for (let round = 0; round < 4; round += 1) {
          await model.rest()
          model.advance(60_000)
        }
        expect(new Set(model.world.history.snapshotsMade).size).toBe(model.world.history.snapshotsMade.length)
        expect(timesOf(model)).toEqual(['nightly:data:20261102T030000Z'])
        expect(model.world.snapshots.size).toBe(1)
      }),
      { numRuns: 200 },
    )
  })
})
