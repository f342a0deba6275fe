import { describe, expect, it } from 'vitest'
import type { SnapshotDeclaration, VolumeDeclaration } from '../../../../src/operator/declare/declaration.ts'
import { createTakeOrder } from '../../../../src/operator/orders/take-order.ts'
import { keyOf } from '../../../../src/operator/plan/identity.ts'
import { snapshot, volume } from '../../../builders/declarations.ts'
import { createOperatorModel, pruneDelayMs } from '../../../helpers/operator-model.ts'

const key = 'Volume/default/data'
const data = volume('data', { deletionPolicy: 'Delete', secrets: {} })
type Model = ReturnType<typeof createOperatorModel>

async function rounds(model: Model, count = 6) {
  for (let round = 0; round < count; round += 1) await model.run()
}

const cancel = (model: Model, of = key) =>
  createTakeOrder({
    inventory: model.inventory,
    declarations: () => new Map(model.declared().map((each) => [keyOf(each), each])),
    clock: model.clock,
    region: 'global',
  })({ type: 'cancelEnd', key: of })

/** A model in which the declaration was removed. */
async function removed(declaration: VolumeDeclaration | SnapshotDeclaration = data) {
  const model = createOperatorModel()
  if (declaration.kind === 'Snapshot') model.declare(volume('data'))
  model.declare(declaration)
  await rounds(model)
  model.advance(20_000)
  await rounds(model)
  model.remove(keyOf(declaration))
  await model.run()
  model.world.history.writes.length = 0
  return model
}

/** Runs rounds until the end has come so far. */
async function until(model: Model, isThere: () => boolean) {
  model.advance(pruneDelayMs)
  for (let round = 0; round < 20 && !isThere(); round += 1) await model.run()
  expect(isThere()).toBe(true)
}

const phaseOf = (model: Model) => {
  const record = model.stored.get(key)
  return record?.kind === 'Volume' ? record.end?.phase : undefined
}

async function expectSameAgain(model: Model, disks: readonly string[]) {
  expect([...model.world.disks.keys()]).toEqual(disks)
  expect(model.world.history.writes).not.toContain('deleteVolume')
  model.declare(data)
  await rounds(model)
  expect([...model.world.disks.keys()]).toEqual(disks)
  expect(model.stored.get(key)?.status.conditions).toMatchObject([{ status: 'True' }, {}, {}])
}

describe('an end that a person cancels', () => {
  it('sends nothing: the volume stays, is listed as released, and is adopted when it is declared again', async () => {
    const model = await removed()
    const disks = [...model.world.disks.keys()]
    await expect(cancel(model)).resolves.toMatch(/nothing is deleted.*Nomad keeps its volume/)
    model.advance(10 * pruneDelayMs)
    await rounds(model)
    expect(model.stored.size).toBe(0)
    expect(model.world.history.writes).toEqual([])
    expect(model.released()).toMatchObject([{ key, externalID: disks[0], reason: 'Retained' }])
    await expectSameAgain(model, disks)
  })

  it('is finished after a crash right behind the order', async () => {
    const model = await removed()
    const disks = [...model.world.disks.keys()]
    await cancel(model)
    model.killAfter(0)
    await model.run()
    model.advance(10 * pruneDelayMs)
    await rounds(model)
    expect(model.stored.size).toBe(0)
    await expectSameAgain(model, disks)
  })

  it('takes its tombstone away where the volume was deregistered already', async () => {
    const model = await removed({ ...data, spec: { ...data.spec, finalSnapshot: true } })
    const disks = [...model.world.disks.keys()]
    await until(model, () => phaseOf(model) === 'register-tombstone')
    await expect(cancel(model)).resolves.toMatch(/deregistered already, and is registered again/)
    await rounds(model)
    expect([...model.world.volumes.keys()]).toEqual([])
    expect(model.stored.size).toBe(0)
    await expectSameAgain(model, disks)
  })

  it('deletes nothing where the order comes between the record of the delete and the delete', async () => {
    const model = await removed()
    const disks = [...model.world.disks.keys()]
    const { put } = model.inventory
    let ordered: Promise<string> | undefined
    model.inventory.put = async (managed, options) => {
      // It was planned already, and is not stored yet.
      if (managed.kind === 'Volume' && managed.end?.phase === 'delete') ordered ??= cancel(model)
      await ordered
      await put(managed, options)
    }
    await until(model, () => ordered !== undefined)
    model.inventory.put = put
    await expect(ordered).resolves.toMatch(/nothing is deleted/)
    await rounds(model)
    expect(model.stored.size).toBe(0)
    await expectSameAgain(model, disks)
  })

  it('is refused once the delete was sent, and goes on', async () => {
    const model = await removed()
    const { api } = model.world
    const { deleteVolume } = api
    let refused: unknown
    api.deleteVolume = async (...parameters) => {
      refused = await cancel(model).catch((error: Error) => error.message)
      return deleteVolume(...parameters)
    }
    await until(model, () => refused !== undefined)
    expect(refused).toMatch(/cannot be cancelled any more: the delete of external volume ".*" was sent/)
    await rounds(model)
    expect(model.world.disks.size).toBe(0)
  })

  it('is that one alone: a later removal ends by its policy', async () => {
    const model = await removed()
    await cancel(model)
    model.declare(data)
    model.advance(1)
    await rounds(model)
    model.remove(key)
    await model.run()
    expect(model.stored.size).toBe(1)
    model.advance(pruneDelayMs)
    await rounds(model, 12)
    expect(model.world.disks.size).toBe(0)
  })

  it('of a snapshot leaves it with the plugin', async () => {
    const before = snapshot('before', 'data', { deletionPolicy: 'Delete' })
    const model = await removed(before)
    const snapshots = [...model.world.snapshots.keys()]
    await expect(cancel(model, keyOf(before))).resolves.toMatch(
      /^the end of Snapshot\/default\/before is cancelled/,
    )
    model.advance(10 * pruneDelayMs)
    await rounds(model)
    expect([...model.world.snapshots.keys()]).toEqual(snapshots)
    expect(model.stored.has(keyOf(before))).toBe(false)
    expect(model.world.history.writes).toEqual([])
  })

  it('of a snapshot is refused once its delete was sent', async () => {
    const before = snapshot('before', 'data', { deletionPolicy: 'Delete' })
    const model = await removed(before)
    const { api } = model.world
    const { deleteSnapshot } = api
    let refused: unknown
    api.deleteSnapshot = async (...parameters) => {
      refused = await cancel(model, keyOf(before)).catch((error: Error) => error.message)
      return deleteSnapshot(...parameters)
    }
    await until(model, () => refused !== undefined)
    expect(refused).toMatch(/the delete of snapshot ".*" was sent/)
    expect(model.world.snapshots.size).toBe(0)
  })
})
