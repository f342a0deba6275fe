import { describe, expect, it } from 'vitest'
import { OperationError } from '../../../../src/lib/errors.ts'
import { volume } from '../../../builders/declarations.ts'
import { createOperatorModel, pruneDelayMs } from '../../../helpers/operator-model.ts'

const key = 'Volume/default/data'
const data = volume('data', { deletionPolicy: 'Delete' })

/** Runs `meanwhile` while a pass over the volume waits for Nomad. */
async function duringPass(
  model: ReturnType<typeof createOperatorModel>,
  meanwhile: () => Promise<unknown>,
): Promise<void> {
  const { volume: readVolume } = model.world.observer
  const blocked = Promise.withResolvers<void>()
  const reached = Promise.withResolvers<void>()
  model.world.observer.volume = async (...parameters) => {
    reached.resolve()
    await blocked.promise
    return readVolume(...parameters)
  }
  const pass = model.look(key)
  await reached.promise
  model.world.observer.volume = readVolume
  await meanwhile()
  blocked.resolve()
  await pass
}

describe('each fact has one owner', () => {
  it('a file that comes back while a pass waits for Nomad is missed anew when it goes again, and its disk stays', async () => {
    const model = createOperatorModel()
    model.declare(data)
    await model.run()
    await model.run()
    model.world.people.claim('data', 'n1')
    model.remove(key)
    await model.run()
    model.advance(pruneDelayMs)
    await model.run()
    expect(model.absence(key)).toEqual({ state: 'ending' })
    expect(model.stored.get(key)?.status.conditions[0]?.reason).toBe('InUse')

    await duringPass(model, async () => {
      model.declare(data)
      await model.read()
    })
    model.remove(key)
    model.advance(1)
    await model.read()
    // Two readings apart are asked for again: the first one without the file is this one.
    expect(model.absence(key)).toMatchObject({ state: 'missing' })
  })

  it('a declaration that changes while a pass waits for Nomad is the one that its end goes by', async () => {
    const model = createOperatorModel()
    model.declare(data)
    await model.run()
    await model.run()
    await duringPass(model, async () => {
      model.declare(volume('data', { deletionPolicy: 'Retain' }))
      await model.read()
    })
    model.remove(key)
    await model.read()
    expect(model.stored.get(key)?.declaration.spec).toMatchObject({ deletionPolicy: 'Retain' })
  })
})

describe('a pass that meets its time limit', () => {
  it('failed, says so, and keeps its intent', async () => {
    const model = createOperatorModel()
    model.declare(data)
    await model.read()
    const abort = new AbortController()
    model.world.api.createVolume = async () => {
      abort.abort(
        new OperationError('the pass took longer than 600 s', { kind: 'transient', reason: 'PassTimedOut' }),
      )
      throw new OperationError('no answer', { kind: 'ambiguous', reason: 'AnswerLost' })
    }
    const outcome = await model.look(key, abort.signal)
    expect(outcome).toMatchObject({ type: 'failed', error: { reason: 'PassTimedOut' } })
    const record = model.stored.get(key)
    expect(record).toMatchObject({ intent: { request: { ID: 'data' } } })
    expect(record?.status.conditions[0]).toMatchObject({
      status: 'False',
      reason: 'PassTimedOut',
      message: 'the pass took longer than 600 s',
    })
  })
})
