import { describe, expect, it } from 'vitest'
import type { SnapshotDeclaration } from '../../../../src/operator/declare/declaration.ts'
import type { SnapshotRecord } from '../../../../src/operator/plan/record.ts'
import type { SnapshotObservation } from '../../../../src/operator/plan/snapshot-observation.ts'
import { planSnapshot } from '../../../../src/operator/plan/snapshot-plan.ts'
import type { Snapshot } from '../../../../src/wire/snapshot.ts'
import { place, schedule, snapshot, volume } from '../../../builders/declarations.ts'
import { nowAt } from '../../../builders/now.ts'
import { nomadPlugin } from '../../../builders/observed.ts'
import { snapshotRecord } from '../../../builders/records.ts'
import { createOperatorModel, pruneDelayMs } from '../../../helpers/operator-model.ts'

const declaration = snapshot('before', 'data', { snapshotID: 'snap-1' })
const listed = (fields: Partial<Snapshot> = {}): ReadonlyMap<string, Snapshot> => {
  const entry = { ID: 'snap-1', ExternalSourceVolumeID: 'vol-1', SizeBytes: 1, CreateTime: 1, IsReady: true }
  return new Map([['snap-1', { ...entry, ...fields }]])
}
const adoption = { volumeIDs: ['vol-1'], takenBy: undefined, unsettled: [], foreignID: undefined }

describe('planSnapshot, of one that is to be adopted', () => {
  it.each<[string, Partial<SnapshotRecord>, Partial<SnapshotObservation>, string | undefined, string]>([
    ['adopts what the plugin lists', {}, {}, 'adopt-snapshot', 'Adopting'],
    [
      'adopts one of an external volume that the volume had before a restore',
      {},
      {
        snapshots: listed({ ExternalSourceVolumeID: 'vol-0' }),
        adoption: { ...adoption, volumeIDs: ['vol-1', 'vol-0'] },
      },
      'adopt-snapshot',
      'Adopting',
    ],
    [
      'takes none where there is nothing of the ID',
      {},
      { snapshots: new Map() },
      undefined,
      'SnapshotNotAdoptable',
    ],
    [
      'refuses the snapshot of another volume',
      {},
      { snapshots: listed({ ExternalSourceVolumeID: 'vol-2' }) },
      undefined,
      'SnapshotNotAdoptable',
    ],
    [
      'refuses what another declaration or a schedule has',
      {},
      { adoption: { ...adoption, takenBy: 'snapshot nightly:data' } },
      undefined,
      'ExternalIDTaken',
    ],
    [
      'refuses an ID that its namespace may not name',
      {},
      { adoption: { ...adoption, foreignID: 'not yours' } },
      undefined,
      'ExternalIDNotAllowed',
    ],
    [
      'waits while the create of another snapshot of the volume has no known outcome',
      {},
      { adoption: { ...adoption, unsettled: ['snapshot other'] } },
      undefined,
      'OutcomeUnknown',
    ],
    [
      'adopts nothing by its ID alone where the plugin cannot list',
      {},
      { snapshots: 'unknown', plugin: nomadPlugin('directories', { SupportsListSnapshots: false }) },
      undefined,
      'PluginUnsupported',
    ],
    ['waits for the list', {}, { snapshots: 'unknown' }, undefined, 'ListIncomplete'],
    [
      'waits for its volume',
      {},
      { volume: { state: 'waiting', reason: 'VolumeNotReady', message: '' } },
      undefined,
      'VolumeNotReady',
    ],
    [
      'keeps the snapshot that it has when the declaration names another one',
      { snapshotID: 'snap-0', pluginID: 'directories' },
      {},
      undefined,
      'ImmutableFieldChanged',
    ],
    ['is ready afterwards', { snapshotID: 'snap-1', pluginID: 'directories' }, {}, undefined, 'ReadyToUse'],
  ])('%s', (_title, record, observation, step, reason) => {
    const decision = planSnapshot(
      declaration,
      { ...snapshotRecord(declaration), ...record },
      {
        volume: { state: 'ready', externalID: 'vol-1', pluginID: 'directories' },
        plugin: nomadPlugin('directories', { SupportsListSnapshots: true }),
        snapshots: listed(),
        callsEndedBeforeMs: undefined,
        adoption,
        ...observation,
      },
      nowAt(1_000_000),
    )
    expect(decision).toMatchObject({ verdict: { reason } })
    expect(decision.step).toBe(step)
  })
})

const key = 'Snapshot/default/before'

/** A volume, and a snapshot of it that nobody declares. */
async function withOrphan(spec: Partial<SnapshotDeclaration['spec']> = {}) {
  const model = createOperatorModel()
  model.declare(volume('data', { secrets: {} }))
  await rounds(model)
  const [externalID = ''] = model.world.disks.keys()
  model.world.snapshots.set('theirs', {
    ...{ ID: 'theirs', ExternalSourceVolumeID: externalID, SizeBytes: 1, CreateTime: 1, IsReady: true },
    content: 'old',
  })
  model.world.history.writes.length = 0
  model.declare(snapshot('before', 'data', { snapshotID: 'theirs', ...spec }))
  await rounds(model)
  return model
}

async function rounds(model: ReturnType<typeof createOperatorModel>, count = 6) {
  for (let round = 0; round < count; round += 1) {
    await model.run()
    model.advance(5_000)
  }
}

async function end(model: ReturnType<typeof createOperatorModel>) {
  model.remove(key)
  await model.run()
  model.advance(pruneDelayMs)
  await rounds(model, 10)
}

const reasonOf = (model: ReturnType<typeof createOperatorModel>, of: string) =>
  model.stored.get(of)?.status.conditions.find(({ type }) => type === 'Ready')?.reason

describe('a snapshot that a declaration names', () => {
  it('adopts a snapshot that is there, takes none, and deletes it only when it is removed under Delete', async () => {
    const retained = await withOrphan()
    expect(retained.stored.get(key)).toMatchObject({ snapshotID: 'theirs' })
    expect(reasonOf(retained, key)).toBe('ReadyToUse')
    expect(retained.world.history.writes).toEqual([])
    await end(retained)
    expect(retained.stored.has(key)).toBe(false)
    expect([...retained.world.snapshots.keys()]).toEqual(['theirs'])

    const deleted = await withOrphan({ deletionPolicy: 'Delete' })
    await end(deleted)
    expect(deleted.stored.has(key)).toBe(false)
    expect([...deleted.world.snapshots.keys()]).toEqual([])
    expect(deleted.world.history.writes).toEqual(['deleteSnapshot'])
  })

  it('is one declaration alone', async () => {
    const model = await withOrphan({ deletionPolicy: 'Delete' })
    model.declare(snapshot('second', 'data', { snapshotID: 'theirs', deletionPolicy: 'Delete' }))
    await rounds(model)
    model.remove('second.yaml')
    await rounds(model, 10)
    expect([...model.world.snapshots.keys()]).toEqual(['theirs'])
    expect(reasonOf(model, key)).toBe('ReadyToUse')
  })

  it('is none that a schedule took', async () => {
    const model = createOperatorModel()
    model.declare(volume('data', { secrets: {} }))
    model.declare(schedule('often', ['data'], { schedule: '* * * * *' }))
    await rounds(model, 40)
    const [taken = ''] = model.world.snapshots.keys()
    expect(taken).not.toBe('')
    model.declare(snapshot('before', 'data', { snapshotID: taken }))
    await rounds(model)
    expect(reasonOf(model, key)).toBe('ExternalIDTaken')
  })

  it('is none that an object in Kubernetes names without leave', async () => {
    const model = await withOrphan()
    const object = { uid: 'u', name: 'foreign', namespace: 'team-a' } as never
    model.declare(
      snapshot('foreign', 'data', { snapshotID: 'foreign' }, { ...place('foreign.yaml'), object }),
    )
    await rounds(model)
    expect(reasonOf(model, 'Snapshot/default/foreign')).toBe('ExternalIDNotAllowed')
  })
})
