import { describe, expect, it } from 'vitest'
import { findLatest } from '../../../../src/operator/plan/latest-snapshot.ts'
import type { SnapshotRecord } from '../../../../src/operator/plan/record.ts'
import { schedule, snapshot, volume } from '../../../builders/declarations.ts'
import { snapshotRecord } from '../../../builders/records.ts'
import { createOperatorModel } from '../../../helpers/operator-model.ts'

const hourMs = 3_600_000
const start = Date.parse('2026-11-01T12:00:00Z')
const latest = { schedule: 'nightly', volume: 'data' }

/** Passes until nothing is left to do at this moment. */
async function settle(model: ReturnType<typeof createOperatorModel>) {
  for (let round = 0; round < 12; round += 1) await model.run()
}

function readyOf(model: ReturnType<typeof createOperatorModel>, name: string) {
  return model.stored.get(`Volume/default/${name}`)?.status.conditions.find(({ type }) => type === 'Ready')
}

describe('a volume from the newest snapshot', () => {
  it('is made from the newest ready snapshot of a schedule, which its plan names', async () => {
    const model = createOperatorModel(start)
    model.declare(volume('data'))
    model.declare(schedule('nightly', ['data']))
    model.declare(volume('staging', { source: { latest } }))
    await settle(model)
    expect(readyOf(model, 'staging')).toMatchObject({
      reason: 'SnapshotNotReady',
      message: expect.stringContaining('it has taken none yet'),
    })
    expect(model.world.volumes.has('default/staging')).toBe(false)

    model.advance(15.5 * hourMs)
    await settle(model)
    model.advance(24 * hourMs)
    await settle(model)
    const [first, second] = [...model.world.snapshots.keys()]
    expect(first).toBeDefined()
    expect(model.world.volumes.get('default/staging')).toMatchObject({ SnapshotID: first })

    // Another one, made the day after, is of the second; what is there stays as it is.
    model.declare(volume('later', { source: { latest } }))
    await settle(model)
    expect(model.world.volumes.get('default/later')).toMatchObject({ SnapshotID: second })
    expect(model.world.volumes.get('default/staging')).toMatchObject({ SnapshotID: first })
  })

  it('is blank where the schedule never took one, if its declaration says so', async () => {
    const model = createOperatorModel(start)
    model.declare(volume('data', { source: { latest: { ...latest, orElse: 'Blank' } } }))
    model.declare(schedule('nightly', ['data']))
    await settle(model)
    expect(readyOf(model, 'data')).toMatchObject({ status: 'True' })
    expect(model.world.volumes.get('default/data')?.SnapshotID ?? '').toBe('')
  })
})

describe('the newest ready snapshot', () => {
  const taken = (atMs: number, fields: Partial<SnapshotRecord> = {}): SnapshotRecord => ({
    ...snapshotRecord(snapshot(`nightly-${atMs}`, 'data')),
    schedule: { schedule: '', volume: 'Volume/default/data', tickMs: atMs, isExpired: false },
    snapshotID: `snap-${atMs}`,
    pluginID: 'disks',
    status: {
      conditions: [{ type: 'Ready', status: 'True', reason: '', message: '', lastTransitionMs: 0 }],
      takenAtMs: atMs,
    },
    ...fields,
  })
  const notReady = { status: { conditions: [], takenAtMs: 9 } }

  it.each<[string, SnapshotRecord[], string]>([
    ['is the one that was taken last', [taken(3), taken(7), taken(5)], 'snap-7'],
    ['is older where the last one is not ready', [taken(3), taken(9, notReady)], 'snap-3'],
    [
      'is older where retention has let go of the last one',
      [taken(3), taken(7, { schedule: { schedule: '', volume: '', tickMs: 7, isExpired: true } })],
      'snap-3',
    ],
    [
      'is of the volume that is named',
      [taken(3), { ...taken(7), declaration: snapshot('nightly-7', 'other') }],
      'snap-3',
    ],
  ])('%s', (_title, records, snapshotID) => {
    expect(findLatest(latest, 'disks', records)).toEqual({ state: 'ready', snapshotID })
  })

  it.each<[string, SnapshotRecord[], RegExp]>([
    ['none of them is ready', [taken(9, notReady)], /none of those that it took is ready/],
    [
      'they are of another plugin',
      [taken(9, { pluginID: 'nfs' })],
      /of plugin "nfs", which plugin "disks" cannot read/,
    ],
  ])('is waited for where %s, even if a blank volume would do', (_title, records, why) => {
    expect(findLatest({ ...latest, orElse: 'Blank' }, 'disks', records)).toMatchObject({
      state: 'waiting',
      reason: 'SnapshotNotReady',
      message: expect.stringMatching(why),
    })
  })
})
