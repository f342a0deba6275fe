import { describe, expect, it } from 'vitest'
import { OperationError } from '../../../../src/lib/errors.ts'
import type { SnapshotRecord, VolumeRecord } from '../../../../src/operator/plan/record.ts'
import { snapshot, volume } from '../../../builders/declarations.ts'
import { nomadPlugin } from '../../../builders/observed.ts'
import { createOperatorModel, deadlineMs, pruneDelayMs } from '../../../helpers/operator-model.ts'

const key = 'Volume/default/data'
/** After that, a list is believed that lacks a volume. */
const newMs = 20_000
type Model = ReturnType<typeof createOperatorModel>

async function rounds(model: Model, count = 6) {
  for (let round = 0; round < count; round += 1) await model.run()
}

/** Takes a declaration away, and waits until its end is done. */
async function end(model: Model, what: string) {
  model.remove(what)
  await model.run()
  model.advance(pruneDelayMs)
  await rounds(model, 10)
}

const volumeOf = (model: Model) => model.stored.get(key) as VolumeRecord

describe('an end that is called off', () => {
  it('takes its tombstone away once, however late the list of volumes is', async () => {
    const model = createOperatorModel()
    const { world } = model
    const data = volume('data', { deletionPolicy: 'Delete', secrets: {} })
    model.declare(data)
    await rounds(model)
    model.remove(key)
    await model.run()
    model.advance(pruneDelayMs)
    const tombstones = () => [...world.volumes.values()].filter(({ ID }) => ID.startsWith('mooring-deleting'))
    while (tombstones().length === 0) await model.run()
    const late = await world.observer.volumeStubs('default')
    world.observer.volumeStubs = async () => late
    world.history.writes.length = 0
    model.declare(data)
    await rounds(model)
    expect(world.history.writes).toEqual(['deregisterVolume', 'registerVolume'])
  })
})

describe('a list of the plugin that is some seconds late', () => {
  function withLateLists() {
    const model = createOperatorModel()
    const { observer } = model.world
    const { externalVolumes } = observer
    const sinceMs = new Map<string, number>()
    observer.externalVolumes = async (pluginID) => {
      const listed = [...(await externalVolumes(pluginID))].filter(([externalID]) => {
        const firstMs = sinceMs.get(externalID) ?? model.nowMs()
        sinceMs.set(externalID, firstMs)
        return model.nowMs() - firstMs >= 5_000
      })
      return new Map(listed)
    }
    return model
  }

  it('calls no new volume lost, and one that is lost later', async () => {
    const model = withLateLists()
    model.declare(volume('data'))
    const reason = () => volumeOf(model).status.conditions.find(({ type }) => type === 'Ready')?.reason
    await rounds(model)
    expect(reason()).toBe('AsDeclared')
    model.advance(newMs)
    await rounds(model)
    expect(reason()).toBe('AsDeclared')
    model.world.disks.clear()
    await rounds(model)
    expect(reason()).toBe('ExternalVolumeMissing')
  })

  it('calls no new snapshot lost, and one that is lost later', async () => {
    const model = createOperatorModel()
    const { observer, snapshots } = model.world
    const { snapshots: list } = observer
    let isLate = true
    observer.snapshots = async (pluginID) => (isLate ? new Map() : list(pluginID))
    model.declare(volume('data'))
    model.declare(snapshot('before-upgrade', 'data'))
    const reason = () =>
      model.stored
        .get('Snapshot/default/before-upgrade')
        ?.status.conditions.find(({ type }) => type === 'Ready')?.reason
    await rounds(model)
    expect(reason()).toBe('NotReadyToUse')
    isLate = false
    await rounds(model)
    expect(reason()).toBe('ReadyToUse')
    model.advance(newMs)
    snapshots.clear()
    await rounds(model)
    expect(reason()).toBe('Vanished')
  })

  it('does not prove that a volume is deleted that its end has just found', async () => {
    const model = withLateLists()
    model.declare(volume('data', { deletionPolicy: 'Delete', secrets: {} }))
    // The intent is stored, and nobody hears of the create.
    model.killAfter(2)
    await model.run()
    await end(model, key)
    model.advance(deadlineMs)
    await rounds(model, 12)
    expect(model.stored.has(key)).toBe(false)
    expect(model.world.disks.size).toBe(0)
    expect(model.world.history.writes).toContain('deleteVolume')
  })
})

describe('a second life is not the first', () => {
  it('has a name of its own, after a delete too (aws-ebs-csi-driver#1428)', async () => {
    const model = createOperatorModel()
    const data = volume('data', { deletionPolicy: 'Delete', secrets: {} })
    const names: string[] = []
    for (let life = 0; life < 3; life += 1) {
      model.declare(data)
      await rounds(model)
      names.push(volumeOf(model).csiName)
      await end(model, key)
      expect(model.stored.has(key)).toBe(false)
    }
    const [first] = names
    expect(names).toEqual([first, `${first}-r1`, `${first}-r2`])
  })

  it('has a final snapshot of its own: that of the first does not stand for it', async () => {
    const model = createOperatorModel()
    const data = volume('data', { deletionPolicy: 'Delete', finalSnapshot: true, secrets: {} })
    for (let life = 0; life < 2; life += 1) {
      model.declare(data)
      await rounds(model)
      await end(model, key)
      expect(model.stored.has(key)).toBe(false)
    }
    expect(new Set(model.world.history.snapshotsMade).size).toBe(2)
  })

  it('takes a final snapshot again after an end that was called off, because the volume was written to since', async () => {
    const model = createOperatorModel()
    const data = volume('data', { deletionPolicy: 'Delete', finalSnapshot: true, secrets: {} })
    model.declare(data)
    await rounds(model)
    model.remove(key)
    await model.run()
    model.advance(pruneDelayMs)
    while (model.world.history.snapshotsMade.length === 0) await model.run()
    expect(model.world.history.disksDeleted).toEqual([])

    model.declare(data)
    await rounds(model)
    expect(volumeOf(model).status.conditions[0]).toMatchObject({ status: 'True', reason: 'AsDeclared' })
    await end(model, key)
    expect(model.world.history.disksDeleted).toHaveLength(1)
    expect(new Set(model.world.history.snapshotsMade).size).toBe(2)
  })

  it('takes back the volume that the declaration let go last, and never one from before a restore', async () => {
    const model = createOperatorModel()
    const data = volume('data', { deletionPolicy: 'Deregister', secrets: {} })
    model.declare(data)
    model.declare(snapshot('before', 'data'))
    await rounds(model)
    const { externalID: original = '' } = volumeOf(model)
    const { snapshotID = '' } = model.stored.get('Snapshot/default/before') as { snapshotID?: string }
    await model.order(key, (orders) => ({
      ...orders,
      restore: { snapshotID, externalID: original, atMs: 0 },
    }))
    await rounds(model)
    const { externalID: restored } = volumeOf(model)
    expect(restored).not.toBe(original)
    await end(model, 'Snapshot/default/before')
    await end(model, key)
    expect(model.stored.has(key)).toBe(false)

    model.declare(data)
    await rounds(model)
    expect(volumeOf(model)).toMatchObject({ externalID: restored })
    expect(volumeOf(model).status.conditions[0]).toMatchObject({ status: 'True', reason: 'AsDeclared' })
  })

  it('is Vanished, and not blank, where what was let go is lost', async () => {
    const model = createOperatorModel()
    const data = volume('data', { deletionPolicy: 'Deregister', secrets: {} })
    model.declare(data)
    await rounds(model)
    const { externalID = '' } = volumeOf(model)
    await end(model, key)
    model.world.disks.delete(externalID)
    model.declare(data)
    await rounds(model)
    expect(volumeOf(model).status.conditions[0]).toMatchObject({ status: 'False', reason: 'Vanished' })
  })

  it('is not recreated by an order from before its external volume was back', async () => {
    const model = createOperatorModel()
    const data = volume('data', { secrets: {} })
    model.declare(data)
    await rounds(model)
    const { externalID = '' } = volumeOf(model)
    const disk = model.world.disks.get(externalID)
    if (disk === undefined) throw new Error('there is no disk')
    await model.order(key, (orders) => ({ ...orders, recreate: { externalID, atMs: 0 } }))
    await rounds(model)
    // Months later it vanishes in earnest.
    model.world.disks.delete(externalID)
    model.world.people.deregister('data')
    model.advance(newMs)
    await rounds(model)
    expect(volumeOf(model).status.conditions[0]).toMatchObject({ status: 'False', reason: 'Vanished' })
    model.world.disks.set(externalID, disk)
    await rounds(model)
    expect(volumeOf(model)).toMatchObject({ externalID })
  })

  it('takes a snapshot anew where one of its name was kept (a backup that is asked for is taken)', async () => {
    const model = createOperatorModel()
    model.declare(volume('data', { secrets: {} }))
    const before = snapshot('before-upgrade', 'data')
    model.declare(before)
    await rounds(model)
    const taken = () =>
      (model.stored.get('Snapshot/default/before-upgrade') as { snapshotID?: string }).snapshotID
    const first = taken()
    await end(model, 'Snapshot/default/before-upgrade')
    model.declare(before)
    await rounds(model)
    expect(taken()).toBeDefined()
    expect(taken()).not.toBe(first)
  })
  it('believes no plugin that answers with an older snapshot of the same name', async () => {
    const model = createOperatorModel(10_000_000)
    model.declare(volume('data', { secrets: {} }))
    const named = snapshot('before', 'data', { name: 'fixed' })
    model.declare(named)
    await rounds(model)
    await end(model, 'Snapshot/default/before')
    model.advance(3_600_000)
    model.declare(named)
    await rounds(model)
    const record = model.stored.get('Snapshot/default/before') as { snapshotID?: string }
    expect(record).toMatchObject({
      status: { conditions: [{ status: 'False', reason: 'NameTaken' }, {}, {}] },
    })
    expect(record.snapshotID).toBeUndefined()
  })

  it('believes no plugin that answers with a snapshot of before, even if the clock here is behind', async () => {
    const model = createOperatorModel(10_000_000)
    model.declare(volume('data', { secrets: {} }))
    const named = snapshot('before', 'data', { name: 'fixed' })
    model.declare(named)
    await rounds(model)
    await end(model, 'Snapshot/default/before')
    model.declare(named)
    await rounds(model)
    const record = model.stored.get('Snapshot/default/before') as { snapshotID?: string }
    expect(record).toMatchObject({ status: { conditions: [{ reason: 'NameTaken' }, {}, {}] } })
    expect(record.snapshotID).toBeUndefined()
  })

  it('takes snapshots under names that it chose, however far the provider’s clock is behind', async () => {
    const model = createOperatorModel(10_000_000)
    const { api } = model.world
    model.declare(volume('data', { secrets: {} }))
    model.declare(snapshot('first', 'data'))
    await rounds(model)
    const really = api.createSnapshot
    api.createSnapshot = async (...all) => {
      const made = await really(...all)
      return { ...made, CreateTime: Number(made.CreateTime) - 3_600 }
    }
    model.advance(7_200_000)
    model.declare(snapshot('second', 'data'))
    await rounds(model)
    expect(model.stored.get('Snapshot/default/second')).toMatchObject({ snapshotID: expect.any(String) })
  })

  it('takes one final snapshot, however far the provider’s clock is behind', async () => {
    const model = createOperatorModel(10_000_000)
    const { api } = model.world
    const really = api.createSnapshot
    let taken = 0
    api.createSnapshot = async (...all) => {
      taken += 1
      return { ...(await really(...all)), CreateTime: 1 }
    }
    model.declare(volume('data', { secrets: {}, deletionPolicy: 'Delete', finalSnapshot: true }))
    await rounds(model)
    await end(model, key)
    expect(taken).toBe(1)
    expect(model.stored.has(key)).toBe(false)
  })

  it('takes a snapshot for its own whose answer was lost, and whose repeat was refused for long', async () => {
    const model = createOperatorModel(10_000_000)
    const { api } = model.world
    const really = api.createSnapshot
    const answers = ['lost', 'refused'] as const
    let calls = 0
    api.createSnapshot = async (...all) => {
      const answer = answers[calls++]
      if (answer === undefined) return really(...all)
      if (answer === 'lost') await really(...all)
      throw new OperationError(answer, {
        kind: answer === 'lost' ? 'ambiguous' : 'permanent',
        reason: 'Refused',
      })
    }
    model.declare(volume('data', { secrets: {} }))
    model.declare(snapshot('before', 'data'))
    await rounds(model)
    model.advance(deadlineMs)
    await rounds(model, 1)
    expect(calls).toBe(2)
    model.advance(3_600_000)
    await rounds(model)
    expect(model.stored.get('Snapshot/default/before')).toMatchObject({ snapshotID: expect.any(String) })
  })

  it('finishes a snapshot’s delete whose answer was lost, and takes another one for the declaration that came back', async () => {
    const model = createOperatorModel(10_000_000)
    const { api } = model.world
    const really = api.deleteSnapshot
    let calls = 0
    api.deleteSnapshot = async (...all) => {
      await really(...all)
      calls += 1
      if (calls === 1) throw new OperationError('lost', { kind: 'ambiguous', reason: 'AnswerLost' })
    }
    model.declare(volume('data', { secrets: {} }))
    model.declare(snapshot('before', 'data', { deletionPolicy: 'Delete' }))
    await rounds(model)
    const [first] = model.world.snapshots.keys()
    model.remove('before.yaml')
    await model.run()
    model.advance(pruneDelayMs)
    while (calls === 0) await rounds(model, 1)
    model.declare(snapshot('before', 'data', { deletionPolicy: 'Retain' }))
    await rounds(model)
    model.advance(deadlineMs)
    await rounds(model)
    const record = model.stored.get('Snapshot/default/before') as SnapshotRecord
    expect(record.status.conditions[0]).toMatchObject({ type: 'Ready', status: 'True' })
    expect(record).toMatchObject({ snapshotID: expect.any(String), incarnation: 1 })
    expect([...model.world.snapshots.keys()]).toEqual([record.snapshotID])
    expect(record.snapshotID).not.toBe(first)
  })

  it('registers a volume of unknown size without claiming one, and lets it grow to what is declared', async () => {
    const model = createOperatorModel()
    const { world } = model
    const plugin = nomadPlugin('directories', { SupportsListVolumes: false })
    world.observer.plugin = async () => plugin
    model.declare(volume('data', { deletionPolicy: 'Deregister', secrets: {}, capacity: { min: 3_000n } }))
    await rounds(model)
    await end(model, key)
    const really = world.api.registerVolume
    const registered: unknown[] = []
    world.api.registerVolume = async (...all) => {
      registered.push(all[0].RequestedCapacityMin)
      return really(...all)
    }
    model.declare(volume('data', { deletionPolicy: 'Deregister', secrets: {}, capacity: { min: 4_000n } }))
    await rounds(model)
    expect(registered).toEqual([undefined])
  })

  it('ends where its external volume is lost and the plugin lists nothing, and keeps its ID for people', async () => {
    const model = createOperatorModel()
    const { world } = model
    const plugin = nomadPlugin('directories', { SupportsListVolumes: false })
    world.observer.plugin = async () => plugin
    model.declare(volume('data', { secrets: {}, deletionPolicy: 'Delete', finalSnapshot: true }))
    await rounds(model)
    const { externalID = '' } = volumeOf(model)
    world.disks.delete(externalID)
    await end(model, key)
    expect(model.stored.has(key)).toBe(false)
    expect(model.inventory.released()).toMatchObject([{ key, externalID, reason: 'Vanished' }])
  })
})
