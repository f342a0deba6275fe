import { expect, it } from 'vitest'
import { OperationError } from '../../../../src/lib/errors.ts'
import { schedule, volume } from '../../../builders/declarations.ts'
import { createOperatorModel } from '../../../helpers/operator-model.ts'

const minuteMs = 60_000

it('an outcome that the inventory did not take is stored before anything is sent again', async () => {
  const model = createOperatorModel(undefined, {}, { token: 'a value' })
  model.declare(volume('data'))
  for (let round = 0; round < 4; round += 1) await model.run()
  let updates = 0
  const { createVolume } = model.world.api
  model.world.api.createVolume = (...parameters) => {
    updates += 1
    return createVolume(...parameters)
  }
  const { put } = model.inventory
  let isFull = true
  model.inventory.put = async (managed, options) => {
    if (options?.isOutcome && isFull) {
      throw new OperationError('no space left', { kind: 'transient', reason: 'InventoryUnreachable' })
    }
    return put(managed)
  }
  // Secrets are never shown, so only the record knows that they were applied.
  model.declare(volume('data', { secrets: { token: { fromEnv: 'MOORING_SECRET_TOKEN' } } }))
  await model.read()
  const key = 'Volume/default/data'
  for (let event = 0; event < 20; event += 1) await expect(model.look(key)).rejects.toThrow('no space left')
  expect(updates).toBe(1)
  isFull = false
  expect(await model.look(key)).toMatchObject({ type: 'done' })
  expect(updates).toBe(1)
})

it('a create whose answer was lost is not sent again, though the inventory did not take what was left of it', async () => {
  const model = createOperatorModel()
  let creates = 0
  let isFull = false
  model.world.api.createVolume = async () => {
    creates += 1
    isFull = true
    throw new OperationError('no answer', { kind: 'ambiguous', reason: 'AnswerLost' })
  }
  const { put } = model.inventory
  model.inventory.put = async (managed, options) => {
    if (isFull)
      throw new OperationError('no space left', { kind: 'transient', reason: 'InventoryUnreachable' })
    return put(managed, options)
  }
  model.declare(volume('data'))
  await model.read()
  const key = 'Volume/default/data'
  for (let event = 0; event < 3; event += 1) await expect(model.look(key)).rejects.toThrow('no space left')
  isFull = false
  for (let event = 0; event < 3; event += 1) await model.look(key)
  expect(creates).toBe(1)
  expect(model.stored.get(key)).toMatchObject({ intent: { request: { ID: 'data' } } })
})

it.each([
  ['stays if it was given up because it had not been taken', { unlessTaken: true } as const, 1],
  ['ends if no retention rule keeps it', {}, 0],
])('a snapshot that was taken while its schedule decided %s', async (_title, why, left) => {
  const model = createOperatorModel(Date.parse('2026-11-01T12:00:30Z'))
  model.declare(volume('data'))
  model.declare(schedule('often', ['data'], { schedule: '* * * * *' }))
  for (let round = 0; round < 4; round += 1) await model.run()
  model.advance(minuteMs)
  for (let round = 0; round < 4; round += 1) await model.run()
  const [taken] = [...model.stored.values()].filter(({ kind }) => kind === 'Snapshot')
  expect(model.world.snapshots.size).toBe(1)
  await model.order(taken?.key ?? '', (orders) => ({
    ...orders,
    expiry: { policy: 'Delete', atMs: model.nowMs(), ...why },
  }))
  for (let round = 0; round < 4; round += 1) await model.run()
  expect(model.world.snapshots.size).toBe(left)
})
