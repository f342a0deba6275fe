import { describe, expect, it } from 'vitest'
import { planDetachOrder } from '../../../../src/operator/plan/orders.ts'
import type { VolumeRecord } from '../../../../src/operator/plan/record.ts'
import { snapshot, volume } from '../../../builders/declarations.ts'
import { nomadPlugin } from '../../../builders/observed.ts'
import { createOperatorModel, deadlineMs, pruneDelayMs } from '../../../helpers/operator-model.ts'

const stale = { detach: { policy: 'Stale', nodes: [] }, secrets: {} } as const
const key = 'Volume/default/data'

type Model = ReturnType<typeof createOperatorModel>

async function rounds(model: Model, count = 4) {
  for (let round = 0; round < count; round += 1) await model.run()
}

function recordOf(model: Model): VolumeRecord {
  const record = model.stored.get(key)
  if (record?.kind !== 'Volume') throw new Error(`${key} is not managed`)
  return record
}

function verdictOf(model: Model) {
  const ready = recordOf(model).status.conditions.find(({ type }) => type === 'Ready')
  return { status: ready?.status, reason: ready?.reason, message: ready?.message }
}

/** A volume that one allocation on node n1 claims. */
async function claimed(spec: Parameters<typeof volume>[1] = stale): Promise<Model> {
  const model = createOperatorModel()
  model.declare(volume('data', { capacity: { min: 1n }, ...spec }))
  await rounds(model)
  model.world.people.claim('data', 'n1')
  await rounds(model)
  expect(recordOf(model).status).toMatchObject({ attachedNodes: ['n1'] })
  return model
}

function detaches({ world }: Model): number {
  return world.history.writes.filter((write) => write === 'detachVolume').length
}

describe('detaching', () => {
  it('frees a claim whose allocation ended, with the proof in the history (nomad#8057)', async () => {
    const model = await claimed()
    model.world.people.endAllocation('data')
    await rounds(model)
    expect(model.world.claims.size).toBe(0)
    expect(verdictOf(model)).toMatchObject({ status: 'True', reason: 'AsDeclared' })
    expect(recordOf(model).status.history?.[0]).toMatchObject({
      step: 'detach-node',
      outcome: 'done',
      why: expect.stringMatching(
        /^detaching node n1: allocation alloc-\d+ is complete and node n1 is ready$/,
      ),
    })
  })

  it('frees one whose allocation is gone, by the node that was remembered (nomad#10052)', async () => {
    const model = await claimed()
    model.world.people.endAllocation('data')
    model.world.people.collect('data')
    await rounds(model)
    expect(model.world.claims.size).toBe(0)
  })

  it('waits where nobody saw the node of an allocation that is gone', async () => {
    const model = createOperatorModel()
    model.declare(volume('data', stale))
    await rounds(model)
    model.world.people.claim('data', 'n1')
    model.world.people.endAllocation('data')
    model.world.people.collect('data')
    await rounds(model)
    expect(detaches(model)).toBe(0)
    expect(verdictOf(model)).toMatchObject({ status: 'False', reason: 'DetachNodeUnknown' })
  })

  it('takes the word of a person for a node that is not heard of, once (nomad#13450)', async () => {
    const model = await claimed()
    model.world.people.changeNode('n1', 'partitioned')
    await rounds(model)
    expect(detaches(model)).toBe(0)
    expect(verdictOf(model)).toMatchObject({
      reason: 'DetachNeedsWord',
      message: expect.stringContaining('mooring detach default/data --node-is-dead n1'),
    })

    model.world.people.changeNode('n1', 'dead')
    const order = planDetachOrder(recordOf(model), 'n1', 7)
    if (typeof order === 'string') throw new Error(order)
    await model.order(key, (orders) => ({ ...orders, detach: [order] }))
    await rounds(model)
    expect(model.world.claims.size).toBe(0)
    expect(
      recordOf(model)
        .status.history?.map(({ step }) => step)
        .slice(0, 2),
    ).toEqual(['forget-detach-order', 'detach-node'])

    // The next one that is lost there needs a word of its own.
    model.world.people.changeNode('n1', 'back')
    model.world.people.claim('data', 'n1')
    await rounds(model)
    model.world.people.changeNode('n1', 'partitioned')
    await rounds(model)
    expect(verdictOf(model)).toMatchObject({ reason: 'DetachNeedsWord' })
    expect(detaches(model)).toBe(1)
  })

  it('leaves what lives, and asks nothing of it again', async () => {
    const model = await claimed()
    await rounds(model, 10)
    expect(detaches(model)).toBe(0)
    expect(verdictOf(model)).toMatchObject({ status: 'True' })
  })

  it("makes Nomad let go by itself where Nomad's Detach fails, by one write of the volume as it is", async () => {
    const model = await claimed()
    model.world.conditions.isDetachBroken = true
    model.world.people.endAllocation('data')
    const before = model.world.history.writes.length
    await rounds(model)
    expect(model.world.history.writes.slice(before)).toEqual(['detachVolume', 'updateVolume default/data'])
    expect(model.world.claims.size).toBe(0)
    expect(verdictOf(model)).toMatchObject({ status: 'True' })
  })

  it('does not do so beside a claim that nobody knows to be dead, which Nomad would release too', async () => {
    const model = await claimed()
    model.world.people.claim('data', 'n2')
    await rounds(model)
    model.world.conditions.isDetachBroken = true
    model.world.people.changeNode('n2', 'partitioned')
    model.world.people.endAllocation('data')
    await rounds(model)
    expect(detaches(model)).toBe(1)
    expect(model.world.claims.size).toBe(2)
    expect(model.world.history.violations).toEqual([])
  })

  it('holds nothing else up where it fails: the volume grows meanwhile', async () => {
    const model = await claimed()
    model.world.conditions.isDetachBroken = true
    model.world.conditions.isReleaseBroken = true
    model.world.people.endAllocation('data')
    await rounds(model)
    expect(detaches(model)).toBe(1)
    expect(verdictOf(model)).toMatchObject({
      status: 'False',
      reason: 'DetachFailed',
      message: expect.stringContaining('wrote the volume again unchanged'),
    })

    model.declare(volume('data', { capacity: { min: 9n }, ...stale }))
    await rounds(model)
    expect(Number(model.world.volumes.get('default/data')?.Capacity)).toBe(9)
    expect(detaches(model)).toBe(1)

    model.world.conditions.isDetachBroken = false
    model.advance(60_000)
    await rounds(model)
    expect(model.world.claims.size).toBe(0)
    expect(verdictOf(model)).toMatchObject({ status: 'True' })
    expect(recordOf(model).detachTries).toBeUndefined()
  })

  it('believes no answer: one that freed nothing is tried again, less and less often (nomad#8949)', async () => {
    const model = await claimed()
    model.world.people.endAllocation('data')
    for (const advanceMs of [0, 30_000, 60_000]) {
      model.advance(advanceMs)
      // Nomad answers 200 and does nothing.
      model.world.failNext('late')
      await model.run()
    }
    expect(recordOf(model).detachTries?.n1).toMatchObject({ times: 3 })
    model.advance(119_999)
    await model.run()
    expect(recordOf(model).detachTries?.n1).toMatchObject({ times: 3 })
  })

  it('frees a node of detach.nodes from an attachment that nothing claims (nomad#8232)', async () => {
    const model = await claimed({ secrets: {}, detach: { policy: 'Never', nodes: ['n1'] } })
    model.world.people.changeNode('n1', 'dead')
    model.world.people.forceDeregister('data')
    await rounds(model)
    expect(verdictOf(model)).toMatchObject({ reason: 'DetachNeedsWord' })
    model.world.people.changeNode('n1', 'back')
    await rounds(model)
    expect(detaches(model)).toBe(1)
    expect(recordOf(model).status).toMatchObject({ attachedNodes: [] })
    expect(verdictOf(model)).toMatchObject({ status: 'True' })
  })

  it('grows no volume while a node drains that it is in use on (nomad#11614)', async () => {
    const model = await claimed({ secrets: {} })
    model.world.people.drain('n1', true)
    model.declare(volume('data', { capacity: { min: 5n }, secrets: {} }))
    await rounds(model)
    expect(verdictOf(model)).toMatchObject({ reason: 'NodeDraining', message: expect.stringContaining('n1') })
    expect(Number(model.world.volumes.get('default/data')?.Capacity)).toBe(1)
    model.world.people.drain('n1', false)
    model.advance(15_000)
    await rounds(model)
    expect(verdictOf(model)).toMatchObject({ status: 'True' })
    expect(Number(model.world.volumes.get('default/data')?.Capacity)).toBe(5)
  })

  it('lets the end of a volume go on once its last claim is freed', async () => {
    const model = await claimed({ ...stale, deletionPolicy: 'Delete' })
    model.remove('data.yaml')
    await model.run()
    model.advance(pruneDelayMs)
    await rounds(model)
    expect(verdictOf(model)).toMatchObject({
      reason: 'InUse',
      message: expect.stringMatching(/in use by allocations alloc-\d+; the end waits for them/),
    })
    model.world.people.endAllocation('data')
    await rounds(model, 8)
    expect(model.stored.size).toBe(0)
    expect(model.world.disks.size).toBe(0)
    expect(model.world.history.violations).toEqual([])
  })
})

describe('an end in its order', () => {
  it('waits for the snapshots that end themselves, and names them', async () => {
    const model = createOperatorModel()
    model.declare(volume('data', { deletionPolicy: 'Delete', secrets: {} }))
    model.declare(snapshot('before', 'data', { deletionPolicy: 'Delete' }))
    await rounds(model)
    model.remove('data.yaml')
    await model.run()
    model.advance(pruneDelayMs)
    await rounds(model)
    expect(verdictOf(model)).toMatchObject({
      reason: 'HasDependents',
      message: 'the end waits for what still needs the volume: snapshot default/before',
    })
    model.remove('before.yaml')
    await model.run()
    model.advance(pruneDelayMs)
    await rounds(model, 8)
    expect(model.stored.size).toBe(0)
    expect(model.world.disks.size).toBe(0)
  })

  it('stalls where the plugin keeps a volume for snapshots that nobody declared, and asks it no more', async () => {
    const model = createOperatorModel()
    model.world.conditions.snapshotsNeedTheirVolume = true
    model.declare(volume('data', { deletionPolicy: 'Delete', secrets: {} }))
    await rounds(model)
    await model.world.api.createSnapshot('default', { SourceVolumeID: 'data', Name: 'by hand' })
    model.remove('data.yaml')
    await model.run()
    model.advance(pruneDelayMs)
    await rounds(model, 12)
    const [id = ''] = model.world.snapshots.keys()
    expect(verdictOf(model)).toMatchObject({
      reason: 'HasSnapshots',
      message: expect.stringContaining(`"${id}"`),
    })
    model.advance(deadlineMs * 10)
    await rounds(model, 12)
    const deletes = () => model.world.history.writes.filter((write) => write === 'deleteVolume').length
    expect(deletes()).toBe(1)

    model.world.snapshots.clear()
    await rounds(model)
    expect(deletes()).toBe(2)
    expect(model.world.disks.size).toBe(0)
  })

  it('is called off after such a refusal where the volume is declared again: nothing was altered', async () => {
    const model = createOperatorModel()
    model.world.conditions.snapshotsNeedTheirVolume = true
    model.declare(volume('data', { deletionPolicy: 'Delete', secrets: {} }))
    await rounds(model)
    await model.world.api.createSnapshot('default', { SourceVolumeID: 'data', Name: 'by hand' })
    const { externalID } = recordOf(model)
    model.remove('data.yaml')
    await model.run()
    model.advance(pruneDelayMs)
    await rounds(model, 8)
    model.declare(volume('data', { deletionPolicy: 'Delete', secrets: {} }))
    await rounds(model, 8)
    expect(verdictOf(model)).toMatchObject({ status: 'True' })
    expect(recordOf(model).externalID).toBe(externalID)
    expect(model.world.volumes.get('default/data')?.ExternalID).toBe(externalID)
    expect(model.world.volumes.size).toBe(1)
  })
})

describe('detaching where the plugin is reached directly, and the endpoint of Nomad fails', () => {
  /** Nomad forgot the claim and the volume, and the provider has it attached still; it is registered again. */
  async function attachedStill(spec: Parameters<typeof volume>[1] = {}): Promise<Model> {
    const model = await claimed({ detach: { policy: 'Never', nodes: ['n1'] }, secrets: {}, ...spec })
    model.world.people.endAllocation('data')
    model.world.people.forceDeregister('data')
    Object.assign(model.world.conditions, { isDetachBroken: true, isPluginReached: true })
    return model
  }

  it('takes an attachment that nothing claims off at the provider, at once (T12)', async () => {
    const model = await attachedStill()
    await rounds(model)
    expect(model.world.published.size).toBe(0)
    expect(model.world.history.unpublished).toHaveLength(1)
    expect(verdictOf(model)).toMatchObject({ status: 'True', reason: 'AsDeclared' })
    expect(recordOf(model).detachTries).toBeUndefined()
  })

  it('leaves it to a person where the plugin is not reached', async () => {
    const model = await attachedStill()
    model.world.conditions.isPluginReached = false
    await rounds(model)
    expect(model.world.published.size).toBe(1)
    expect(verdictOf(model)).toMatchObject({
      reason: 'DetachFailed',
      message: expect.stringMatching(/failed once and will be retried: Unknown allocation$/),
    })
  })

  it('asks nothing of the plugin where something claims it again between the two calls', async () => {
    const model = await attachedStill()
    await model.run()
    model.world.conditions.beforeWrite = () => model.world.people.claim('data', 'n1')
    await rounds(model)
    expect(model.world.history.unpublished).toEqual([])
    expect(model.world.history.violations.filter((each) => each.includes('unpublished'))).toEqual([])
  })

  it('leaves a node that lives the time to unmount what ended there, and says what is left to Nomad', async () => {
    const model = await claimed()
    Object.assign(model.world.conditions, {
      isDetachBroken: true,
      isReleaseBroken: true,
      isPluginReached: true,
    })
    model.world.people.endAllocation('data')
    await rounds(model)
    expect(model.world.history.unpublished).toEqual([])
    model.advance(30_001)
    await rounds(model)
    expect(model.world.history.unpublished).toHaveLength(1)
    expect(model.world.published.size).toBe(0)
    expect(verdictOf(model).message).toMatch(
      /the plugin unpublished it on a direct call, but allocation alloc-\d+ still claims it there; Mooring wrote the volume again unchanged/,
    )
  })

  it('knows the node by the ID that the plugin had for it, when Nomad has forgotten it (nomad#10052)', async () => {
    const model = await claimed()
    model.world.people.changeNode('n1', 'dead')
    model.world.people.changeNode('n1', 'purged')
    model.world.people.endAllocation('data')
    model.world.people.collect('data')
    Object.assign(model.world.conditions, { isDetachBroken: true, isPluginReached: true })
    const { plugin } = model.world.observer
    model.world.observer.plugin = async (id) => {
      const found = await plugin(id)
      return found && { ...found, Nodes: {} }
    }
    await rounds(model)
    expect(model.world.history.unpublished).toEqual([expect.stringMatching(/ at n1$/)])
  })
})

describe('room at a plugin that is reached directly', () => {
  it('is waited for instead of a create that would be refused', async () => {
    const model = createOperatorModel()
    model.world.conditions.isPluginReached = true
    model.world.conditions.room = { availableBytes: 3n, maximumVolumeBytes: 10n }
    model.declare(volume('data', { capacity: { min: 4n } }))
    await rounds(model)
    expect(verdictOf(model)).toMatchObject({
      reason: 'NoRoom',
      message: 'waiting for room: the declaration asks for 4 bytes and plugin "directories" has 3 bytes left',
    })
    expect(model.world.history.writes).toEqual([])
    model.world.conditions.room = { availableBytes: 4n }
    await rounds(model)
    expect(verdictOf(model).reason).toBe('AsDeclared')
  })

  it('is told to be too little for good where the plugin makes no such volume', async () => {
    const model = createOperatorModel()
    model.world.conditions.isPluginReached = true
    model.world.conditions.room = { availableBytes: 100n, maximumVolumeBytes: 10n }
    model.declare(volume('data', { capacity: { min: 11n } }))
    await rounds(model)
    expect(verdictOf(model)).toMatchObject({ reason: 'CapacityUnsupported' })
  })
})

describe('a plugin without lists that is reached directly', () => {
  it('finds by itself a volume that a plugin without lists has lost', async () => {
    const model = createOperatorModel()
    model.world.conditions.isPluginReached = true
    model.world.observer.plugin = async () => nomadPlugin('directories', { SupportsListVolumes: false })
    model.declare(volume('data', { secrets: {} }))
    await rounds(model)
    const { externalID = '' } = recordOf(model)
    model.world.volumes.delete('default/data')
    await rounds(model)
    expect(verdictOf(model).reason).toBe('AsDeclared')
    model.world.volumes.delete('default/data')
    model.world.disks.delete(externalID)
    await rounds(model)
    expect(verdictOf(model).reason).toBe('Vanished')
  })
})
