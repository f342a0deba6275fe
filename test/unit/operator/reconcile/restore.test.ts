import { describe, expect, it } from 'vitest'
import type { VolumeRecord } from '../../../../src/operator/plan/record.ts'
import { snapshot, volume } from '../../../builders/declarations.ts'
import { createOperatorModel } from '../../../helpers/operator-model.ts'

const key = 'Volume/default/data'

/** A volume and a snapshot of it, as declared, and an order to restore the one from the other. */
async function ordered(spec: Parameters<typeof volume>[1] = {}) {
  const model = createOperatorModel()
  const declare = (fields: Parameters<typeof volume>[1] = {}) =>
    model.declare(volume('data', { secrets: {}, ...spec, ...fields }))
  declare()
  model.declare(snapshot('before', 'data', { deletionPolicy: 'Delete' }))
  await model.rest()
  const record = () => model.stored.get(key) as VolumeRecord
  const { externalID = '' } = record()
  const taken = model.stored.get('Snapshot/default/before')
  if (taken?.kind !== 'Snapshot' || taken.snapshotID === undefined) throw new Error('no snapshot')
  const { snapshotID } = taken
  await model.order(key, () => ({ restore: { externalID, snapshotID, atMs: 0 } }))
  const writes = model.world.history.writes.length
  return {
    ...{ model, record, declare, snapshotID, externalID },
    current: () => model.world.volumes.get('default/data'),
    writes: () => model.world.history.writes.slice(writes),
  }
}

describe('a restore under the same volume ID', () => {
  it('takes the volume out, makes one from the snapshot in its place, and keeps the one before it', async () => {
    const { model, record, externalID, snapshotID, current, writes } = await ordered()
    await model.rest()
    expect(writes()).toEqual(['deregisterVolume', 'createVolume default/data'])
    expect(record()).toMatchObject({
      incarnation: 1,
      status: { lastRestore: { outcome: 'Restored', snapshotID } },
    })
    expect(record().csiName).toMatch(/-r1$/)
    expect(current()?.ExternalID).toBe(record().externalID)
    expect(record().externalID).not.toBe(externalID)
    expect(model.world.disks.has(externalID)).toBe(true)
    expect(model.released()).toMatchObject([{ key, externalID, reason: 'Replaced', incarnation: 1 }])
    expect(model.orders(key)).toEqual({})
  })

  it('appends -r<n> to a fixed name, and finds the volume as declared afterwards', async () => {
    const { model, record, current } = await ordered({ name: 'fixed' })
    await model.rest()
    expect(current()?.Name).toBe('fixed-r1')
    expect(record().status.conditions[0]).toMatchObject({ status: 'True', reason: 'AsDeclared' })
  })

  it('restores a volume whose external volume is lost', async () => {
    const { model, record, externalID } = await ordered()
    model.world.disks.delete(externalID)
    model.world.volumes.delete('default/data')
    await model.rest()
    expect(record().status).toMatchObject({ lastRestore: { outcome: 'Restored' } })
  })

  it('is called off where the volume is in use, and touches nothing', async () => {
    const restore = await ordered()
    const volume = restore.current()
    if (volume !== undefined)
      restore.model.world.volumes.set('default/data', { ...volume, WriteAllocs: { 'alloc-1': null } })
    await restore.model.rest()
    expect(restore.writes()).toEqual([])
    expect(restore.record()).toMatchObject({
      externalID: restore.externalID,
      status: {
        lastRestore: {
          outcome: 'NotRestored',
          message: 'it is in use by allocations alloc-1; stop them first',
        },
      },
    })
    expect(restore.model.orders(restore.record().key)).toEqual({})
  })

  it('is called off where claims appear in between: the check of Nomad decides, and it is not done later', async () => {
    const restore = await ordered()
    restore.model.world.claimed.add('default/data')
    await restore.model.rest()
    expect(restore.record().restore).toBeUndefined()
    expect(restore.record().status).toMatchObject({
      conditions: [{ type: 'Ready', status: 'True' }, {}, {}],
      lastRestore: { outcome: 'NotRestored', message: 'volume in use: data' },
    })
    expect(restore.current()?.ExternalID).toBe(restore.externalID)
  })

  it('puts the volume before it back where the plugin refuses for good, with the context that it had', async () => {
    const { model, record, externalID, snapshotID, current } = await ordered()
    const { world } = model
    const volume = world.volumes.get('default/data')
    if (volume !== undefined) world.volumes.set('default/data', { ...volume, Context: { bus: '7' } })
    await model.run()
    await model.run()
    world.snapshots.delete(snapshotID)
    await model.rest()
    expect(current()?.ExternalID).toBe(externalID)
    expect(current()?.Context).toEqual({ bus: '7' })
    expect(record()).toMatchObject({
      externalID,
      incarnation: 1,
      status: {
        conditions: [{ type: 'Ready', status: 'True' }, {}, {}],
        lastRestore: {
          outcome: 'NotRestored',
          message: expect.stringContaining('content source does not exist'),
        },
      },
    })
    expect(record().restore).toBeUndefined()
  })

  it('ends where neither the snapshot nor the volume before it is there any more, so that another can be ordered', async () => {
    const { model, record, externalID, snapshotID } = await ordered()
    await model.run()
    await model.run()
    model.world.snapshots.delete(snapshotID)
    model.world.disks.delete(externalID)
    await model.rest()
    expect(record().restore).toBeUndefined()
    expect(record().status).toMatchObject({
      conditions: [{ type: 'Ready', reason: 'Vanished' }, {}, {}],
      lastRestore: {
        outcome: 'NotRestored',
        message: expect.stringContaining('content source does not exist'),
      },
    })
  })

  it('is called off by a person while it cannot go on, though not before a lost call has ended', async () => {
    const { model, record, externalID, current } = await ordered()
    const { world } = model
    await model.run()
    await model.run()
    world.failNext('late')
    await model.run()
    const csiName = record().restore?.csiName ?? ''
    await model.order(key, () => ({ undoRestore: { csiName, atMs: 0 } }))
    await model.run()
    await model.run()
    expect(record().status.conditions[0]?.reason).toBe('OutcomeUnknown')
    expect(current()).toBeUndefined()
    model.advance(151_000)
    // The late call was carried out after all: then it is the restored volume that there is.
    world.settle()
    await model.rest()
    expect(record().status.lastRestore?.outcome).toBe('Restored')
    expect(current()?.Name).toBe(csiName)
    expect(record().externalID).not.toBe(externalID)
  })

  it('uses a name up, so that what a call that was called off made is taken for nothing else', async () => {
    const { model, record, externalID, snapshotID, current } = await ordered()
    await model.run()
    const csiName = record().restore?.csiName ?? ''
    await model.order(key, () => ({ undoRestore: { csiName, atMs: 0 } }))
    await model.rest()
    expect(current()?.ExternalID).toBe(externalID)
    await model.order(key, () => ({ restore: { externalID, snapshotID, atMs: 0 } }))
    await model.rest()
    expect(record().csiName).toBe(csiName.replace(/-r1$/, '-r2'))
  })

  it('holds snapshots of the volume back until it is one volume again, and its source from its end', async () => {
    const { model, record } = await ordered()
    await model.run()
    model.declare(snapshot('during', 'data'))
    model.remove('Snapshot/default/before')
    model.advance(5_001)
    await model.run()
    expect(model.stored.get('Snapshot/default/during')?.status.conditions[0]?.reason).toBe('VolumeNotReady')
    await model.rest()
    expect(record().status.lastRestore?.outcome).toBe('Restored')
    expect(model.stored.get('Snapshot/default/during')).toMatchObject({
      externalSourceVolumeID: record().externalID,
    })
    expect(model.stored.has('Snapshot/default/before')).toBe(false)
  })

  it('is called off by the end of the declaration, which is then of one volume', async () => {
    const { model, externalID } = await ordered({ deletionPolicy: 'Deregister' })
    await model.run()
    await model.run()
    model.remove(key)
    model.remove('Snapshot/default/before')
    await model.rest()
    expect(model.stored.has(key)).toBe(false)
    expect(model.released()).toContainEqual(expect.objectContaining({ externalID, reason: 'Deregistered' }))
    expect(model.world.disks.has(externalID)).toBe(true)
  })
})

describe('the way back to a volume that a restore replaced', () => {
  /** Restored from the snapshot, so that `externalID` was replaced. */
  async function restored() {
    const restore = await ordered()
    await restore.model.rest()
    const { externalID = '' } = restore.record()
    const { model } = restore
    const goBack = (backTo = restore.externalID) =>
      model.order(key, () => ({ restore: { externalID, backTo, atMs: 0 } }))
    return { ...restore, current: restore.current, newer: externalID, goBack }
  }

  it('registers it again with the context of its create, and lists the one that it takes the place of', async () => {
    const { model, record, externalID, newer, goBack, current, writes } = await restored()
    const before = writes().length
    await goBack()
    await model.rest()
    expect(writes().slice(before)).toEqual(['deregisterVolume', 'registerVolume'])
    expect(current()).toMatchObject({ ExternalID: externalID, Context: { disk: externalID } })
    expect(record()).toMatchObject({
      externalID,
      context: { disk: externalID },
      incarnation: 2,
      status: {
        conditions: [{ type: 'Ready', status: 'True' }, {}, {}],
        lastRestore: { outcome: 'Restored', backTo: externalID },
      },
    })
    expect(model.released()).toContainEqual(
      expect.objectContaining({ externalID: newer, reason: 'Replaced', context: { disk: newer } }),
    )
    expect(model.world.disks.has(newer)).toBe(true)
  })

  it('keeps the one there is where the other is gone by then', async () => {
    const { model, record, externalID, newer, goBack, current } = await restored()
    model.world.disks.delete(externalID)
    await goBack()
    await model.rest()
    expect(record().status.lastRestore).toMatchObject({
      outcome: 'NotRestored',
      backTo: externalID,
      message: `plugin "directories" no longer lists external volume "${externalID}"`,
    })
    expect(current()?.ExternalID).toBe(newer)
  })

  it('puts the one there is back where the plugin refuses the other for good', async () => {
    const { model, record, newer, goBack, current } = await restored()
    await goBack()
    await model.run()
    await model.run()
    model.world.failNext('refused')
    await model.rest()
    expect(record().status.lastRestore).toMatchObject({ outcome: 'NotRestored', message: 'refused' })
    expect(current()).toMatchObject({ ExternalID: newer, Context: { disk: newer } })
  })

  it('waits while somebody has the other one in Nomad under another ID, and is called off by a person', async () => {
    const { model, record, externalID, newer, goBack, current } = await restored()
    await goBack()
    await model.run()
    await model.run()
    await model.world.api.registerVolume({
      ...{ ID: 'look', Namespace: 'default', PluginID: 'directories', RequestedCapabilities: [] },
      ...{ ExternalID: externalID, Context: { disk: externalID } },
    })
    await model.run()
    expect(record().status.conditions[0]).toMatchObject({ reason: 'ExternalIDTaken' })
    await model.order(key, () => ({ undoRestore: { csiName: record().restore?.csiName ?? '', atMs: 0 } }))
    await model.rest()
    expect(current()?.ExternalID).toBe(newer)
    expect(record().status.lastRestore?.outcome).toBe('NotRestored')
  })
})

describe('the context that a plugin answers to a create', () => {
  it('is sent again where Nomad lost the volume, and with its tombstone', async () => {
    const model = createOperatorModel()
    model.declare(volume('data', { secrets: {}, deletionPolicy: 'Delete' }))
    await model.rest()
    const { externalID = '' } = model.stored.get(key) as VolumeRecord
    model.world.volumes.delete('default/data')
    await model.rest()
    expect(model.world.volumes.get('default/data')?.Context).toEqual({ disk: externalID })
    model.remove(key)
    await model.rest()
    expect(model.world.disks.has(externalID)).toBe(false)
    expect(model.world.history.violations).toEqual([])
  })

  it('is kept with what is left behind, for the volume to be taken back', async () => {
    const model = createOperatorModel()
    const many = (count: number) =>
      model.declare(volume('data', { secrets: {}, perAlloc: { count, whenScaled: 'Deregister' } }))
    many(2)
    await model.rest()
    const { externalID = '' } = model.stored.get('Volume/default/data[1]') as VolumeRecord
    many(1)
    await model.rest()
    expect(model.world.volumes.has('default/data[1]')).toBe(false)
    many(2)
    await model.rest()
    expect(model.world.volumes.get('default/data[1]')?.Context).toEqual({ disk: externalID })
  })
})
