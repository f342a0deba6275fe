import { describe, expect, it } from 'vitest'
import type { VolumeDeclaration } from '../../../../src/operator/declare/declaration.ts'
import { schedule, snapshot, volume } from '../../../builders/declarations.ts'
import { createOperatorModel, pruneDelayMs } from '../../../helpers/operator-model.ts'

type Model = ReturnType<typeof createOperatorModel>

const many = (
  count: number,
  whenScaled: 'Retain' | 'Deregister' | 'Delete' = 'Retain',
  spec: Partial<VolumeDeclaration['spec']> = {},
) => volume('data', { perAlloc: { count, whenScaled }, secrets: {}, ...spec })

async function rounds(model: Model, count = 4) {
  for (let round = 0; round < count; round += 1) await model.run()
}

/** Changes what is declared, and lets the prune delay pass. */
async function change(model: Model, declaration: VolumeDeclaration) {
  model.declare(declaration)
  await model.run()
  model.advance(pruneDelayMs)
  await rounds(model, 8)
}

async function started(declaration: VolumeDeclaration): Promise<Model> {
  const model = createOperatorModel(0, { prune: false })
  model.declare(declaration)
  await rounds(model)
  return model
}

const externalIDs = (model: Model) =>
  [...model.stored.values()].map((record) => (record.kind === 'Volume' ? record.externalID : undefined))

describe('perAlloc', () => {
  it('makes each volume by itself, and retains what a lowered count leaves out, without --prune', async () => {
    const model = await started(many(3))
    expect([...model.world.volumes.keys()]).toEqual(['default/data[0]', 'default/data[1]', 'default/data[2]'])
    expect(new Set(externalIDs(model)).size).toBe(3)
    const before = externalIDs(model)
    await change(model, many(1))
    expect([...model.stored.keys()]).toEqual(['Volume/default/data[0]'])
    expect(model.world.volumes.size).toBe(3)
    await change(model, many(3))
    expect(externalIDs(model)).toEqual(before)
    expect(model.world.history.disksMade).toHaveLength(3)
  })

  it('is held as a whole by an order for the whole, which holds what a raised count adds too', async () => {
    const model = await started(many(2))
    await model.order('Volume/default/data', () => ({ suspendedSinceMs: 0 }))
    await change(model, many(3))
    expect([...model.world.volumes.keys()]).toEqual(['default/data[0]', 'default/data[1]'])
    for (const { status } of model.stored.values()) {
      expect(status.conditions[0]).toMatchObject({ status: 'Unknown', reason: 'Suspended' })
    }
    await model.order('Volume/default/data', () => ({}))
    await change(model, many(3))
    expect(model.world.volumes.size).toBe(3)
  })

  it('says what a lowered count does, until it does it', async () => {
    const model = await started(many(2, 'Delete'))
    model.declare(many(1, 'Delete'))
    await model.run()
    const [, record] = model.stored.values()
    expect(record?.status.conditions[0]).toMatchObject({
      reason: 'PruneDelay',
      message: expect.stringMatching(
        /^perAlloc.count no longer includes it; .* \(perAlloc.whenScaled Delete\)$/,
      ),
    })
    expect(model.world.disks.size).toBe(2)
  })

  it('registers again what it deregistered, and makes no second external volume', async () => {
    const model = await started(many(2))
    const before = externalIDs(model)
    await change(model, many(1, 'Deregister'))
    expect(model.world.volumes.size).toBe(1)
    expect(model.world.disks.size).toBe(2)
    await change(model, many(2))
    expect(externalIDs(model)).toEqual(before)
    expect(model.world.volumes.size).toBe(2)
    expect(model.world.history.disksMade).toHaveLength(2)
  })

  it('puts no blank volume in the place of one that vanished while the count was low', async () => {
    const model = await started(many(2))
    const [, second = ''] = externalIDs(model)
    await change(model, many(1, 'Deregister'))
    model.world.disks.delete(second)
    await change(model, many(2))
    const [, record] = model.stored.values()
    expect(record?.status.conditions[0]).toMatchObject({ reason: 'Vanished' })
    expect(model.world.history.disksMade).toHaveLength(2)
  })

  it('makes a new one where the lowered count had it deleted, also after it was retained once', async () => {
    const model = await started(many(2))
    const [, second] = externalIDs(model)
    await change(model, many(1))
    await change(model, many(2, 'Delete'))
    await change(model, many(1, 'Delete'))
    expect(model.world.disks.has(second ?? '')).toBe(false)
    await change(model, many(2))
    const [, again] = externalIDs(model)
    expect(again).toBeDefined()
    expect(again).not.toBe(second)
  })

  it('keeps to the guards of every end: in use, and no more at once than --max-prune', async () => {
    const model = await started(many(3, 'Delete'))
    model.world.people.claim('data[2]', 'n1')
    await change(model, many(2, 'Delete'))
    const reasonOf = (id: string) =>
      model.stored.get(`Volume/default/${id}`)?.status.conditions.find(({ type }) => type === 'Ready')?.reason
    expect(reasonOf('data[2]')).toBe('InUse')
    expect(model.world.disks.size).toBe(3)

    const careful = createOperatorModel(0, { maxPrune: 1 })
    careful.declare(many(3, 'Delete'))
    await rounds(careful)
    await change(careful, many(1, 'Delete'))
    expect(careful.world.disks.size).toBe(3)
  })

  it('ends as a whole by deletionPolicy', async () => {
    const model = createOperatorModel()
    model.declare(many(2, 'Retain', { deletionPolicy: 'Delete' }))
    await rounds(model)
    model.remove('data.yaml')
    await model.run()
    model.advance(pruneDelayMs)
    await rounds(model, 8)
    expect(model.stored.size).toBe(0)
    expect(model.world.disks.size).toBe(0)
  })

  it('fills every volume from the one snapshot that it names', async () => {
    const model = createOperatorModel()
    model.declare(volume('origin', { secrets: {} }))
    model.declare(snapshot('seed', 'origin'))
    model.declare(many(2, 'Retain', { source: { snapshot: 'seed' } }))
    await rounds(model, 8)
    expect(model.world.volumes.size).toBe(3)
    expect(model.world.snapshots.size).toBe(1)
  })

  it('is backed up volume by volume by a schedule that names its declaration', async () => {
    const model = createOperatorModel(Date.parse('2026-11-01T12:00:00Z'))
    model.declare(many(2))
    model.declare(schedule('nightly', ['data']))
    await rounds(model)
    model.advance(15.5 * 3_600_000)
    await rounds(model, 8)
    expect([...model.stored.keys()].filter((key) => key.startsWith('Snapshot/'))).toEqual([
      'Snapshot/default/nightly:data[0]:20261102T030000Z',
      'Snapshot/default/nightly:data[1]:20261102T030000Z',
    ])
    expect(model.world.snapshots.size).toBe(2)
  })

  it('has snapshots and clones taken of one volume by its name, and says so where the name is of all', async () => {
    const model = await started(many(2))
    model.declare(snapshot('of-one', 'data[1]'))
    model.declare(snapshot('of-all', 'data'))
    model.declare(volume('copy', { source: { volume: 'data' }, secrets: {} }))
    await rounds(model)
    const readyOf = (key: string) => model.stored.get(key)?.status.conditions[0]
    expect(readyOf('Snapshot/default/of-one')).toMatchObject({ status: 'True' })
    for (const key of ['Snapshot/default/of-all', 'Volume/default/copy']) {
      expect(readyOf(key)).toMatchObject({
        reason: 'VolumeHasInstances',
        message: expect.stringContaining('data[0]'),
      })
    }
  })
})
