import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { HostVolumeRecord } from '../../../../src/operator/plan/record.ts'
import { hostVolume } from '../../../builders/declarations.ts'
import { createOperatorModel, deadlineMs, pruneDelayMs } from '../../../helpers/operator-model.ts'

const key = 'HostVolume/default/data'
type Model = ReturnType<typeof createOperatorModel>
type Spec = Parameters<typeof hostVolume>[1]

async function rounds(model: Model, count = 4) {
  for (let round = 0; round < count; round += 1) await model.run()
}

async function declared(model: Model, spec: Spec = {}) {
  model.declare(hostVolume('data', spec))
  await rounds(model)
}

/** Takes the declaration away, and waits until the prune delay is over. */
async function end(model: Model) {
  model.remove(key)
  await model.run()
  model.advance(pruneDelayMs)
  await rounds(model)
}

const recordOf = (model: Model) => model.stored.get(key) as HostVolumeRecord | undefined
const volumesOf = ({ world }: Model) => [...world.hostVolumes.volumes.values()]
const standingOf = (model: Model) => {
  const found = recordOf(model)?.status.conditions.find(({ status }) => status === 'True')
  return `${found?.type} ${found?.reason}`
}
const writesOf = ({ world }: Model) => world.history.writes.splice(0)

describe('a declared host volume', () => {
  it('is made once, on a node that is recorded first', async () => {
    const model = createOperatorModel()
    await declared(model, { capacity: { min: 5n }, parameters: { mode: '0700' } })
    expect(standingOf(model)).toBe('Ready AsDeclared')
    const [volume] = volumesOf(model)
    expect(volume).toMatchObject({
      Name: 'data',
      RequestedCapacityMinBytes: 5n,
      RequestedCapacityMaxBytes: 5n,
      Parameters: { mode: '0700' },
    })
    expect(recordOf(model)).toMatchObject({ externalID: volume?.ID, nodeID: volume?.NodeID })
    expect(writesOf(model)).toEqual([`createHostVolume default/data at ${volume?.NodeID}`])
    await rounds(model)
    expect(writesOf(model)).toEqual([])
  })

  it('that Nomad has already is taken over without a write', async () => {
    const model = createOperatorModel()
    const { ID } = model.world.hostVolumes.create({ Namespace: 'default', Name: 'data', NodeID: 'n2' })
    await declared(model)
    expect(recordOf(model)).toMatchObject({ externalID: ID, nodeID: 'n2' })
    expect(writesOf(model)).toEqual([])
  })

  it.each(['lost', 'late'] as const)(
    'whose create has a %s answer is found by a read, and not made twice',
    async (fault) => {
      const model = createOperatorModel()
      model.world.failNext(fault)
      await declared(model)
      model.advance(deadlineMs)
      model.world.settle()
      await rounds(model)
      expect(standingOf(model)).toBe('Ready AsDeclared')
      expect(volumesOf(model)).toHaveLength(1)
      expect(writesOf(model)).toHaveLength(1)
    },
  )

  it('whose create never arrived is repeated after its deadline on the same node, also where that is the worse one now', async () => {
    const model = createOperatorModel()
    const { nodes } = model.world.hostVolumes
    // The process dies when the intent is stored, before the call goes out.
    model.killAfter(1)
    await declared(model)
    const nodeID = recordOf(model)?.intent?.request.NodeID ?? ''
    expect(nodeID).not.toBe('')
    for (const [id, node] of nodes)
      if (id === nodeID) nodes.set(id, { ...node, SchedulingEligibility: 'ineligible' })
    expect(writesOf(model)).toEqual([])
    model.advance(deadlineMs)
    await rounds(model)
    expect(writesOf(model)).toEqual([`createHostVolume default/data at ${nodeID}`])
    expect(standingOf(model)).toBe('Ready AsDeclared')
  })

  it('whose repeat is refused stays with its node', async () => {
    const model = createOperatorModel()
    model.killAfter(1)
    await declared(model)
    const nodeID = recordOf(model)?.intent?.request.NodeID ?? ''
    // What the first call left on the node blocks the name there.
    model.world.hostVolumes.folders.set(`${nodeID} data`, 'ghost')
    model.advance(deadlineMs)
    await rounds(model)
    expect(recordOf(model)?.intent?.request.NodeID).toBe(nodeID)
    expect(volumesOf(model)).toEqual([])
    model.world.hostVolumes.folders.clear()
    model.advance(deadlineMs)
    await rounds(model)
    expect(standingOf(model)).toBe('Ready AsDeclared')
    expect(volumesOf(model).map(({ NodeID }) => NodeID)).toEqual([nodeID])
  })

  it('grows once nothing uses it', async () => {
    const model = createOperatorModel()
    const { users } = model.world.hostVolumes
    await declared(model, { capacity: { min: 1n } })
    const nodeID = recordOf(model)?.nodeID ?? ''
    users.set('a1', { namespace: 'default', nodeID, name: 'data', isOverlooked: true })
    await declared(model, { capacity: { min: 2n } })
    expect(standingOf(model)).toBe('Reconciling InUse')
    users.clear()
    await rounds(model)
    expect(standingOf(model)).toBe('Ready AsDeclared')
    expect(volumesOf(model)).toMatchObject([{ CapacityBytes: 2n, NodeID: nodeID }])
  })

  it('that is lost comes back blank only by an order', async () => {
    const model = createOperatorModel()
    await declared(model)
    const lost = recordOf(model)?.externalID ?? ''
    model.world.hostVolumes.delete('default', lost)
    await rounds(model)
    expect(standingOf(model)).toBe('Stalled HostVolumeVanished')
    expect(volumesOf(model)).toEqual([])
    await model.order(key, () => ({ recreate: { externalID: lost, atMs: 0 } }))
    await rounds(model)
    expect(standingOf(model)).toBe('Ready AsDeclared')
    expect(recordOf(model)?.externalID).not.toBe(lost)
    expect(model.orders(key)).toEqual({})
  })
})

describe('the end of a host volume', () => {
  it('leaves it in Nomad under Retain, and finds the same one when it is declared again', async () => {
    const model = createOperatorModel()
    await declared(model)
    const { externalID } = recordOf(model) ?? {}
    await end(model)
    expect(recordOf(model)).toBeUndefined()
    expect(volumesOf(model)).toHaveLength(1)
    await declared(model)
    expect(standingOf(model)).toBe('Ready AsDeclared')
    expect(recordOf(model)?.externalID).toBe(externalID)
  })

  it('deletes it under Delete once nothing uses it, also where Nomad overlooks who does (nomad#27896)', async () => {
    const model = createOperatorModel()
    const { users, history } = model.world.hostVolumes
    await declared(model, { deletionPolicy: 'Delete' })
    users.set('a1', {
      namespace: 'default',
      nodeID: recordOf(model)?.nodeID ?? '',
      name: 'data',
      isOverlooked: true,
    })
    await end(model)
    expect(standingOf(model)).toBe('Reconciling InUse')
    expect(volumesOf(model)).toHaveLength(1)
    users.clear()
    await rounds(model)
    expect(recordOf(model)).toBeUndefined()
    expect(volumesOf(model)).toEqual([])
    expect(history.violations).toEqual([])
  })

  it('finishes after a lost answer although it is declared again, and then another one is made', async () => {
    const model = createOperatorModel()
    await declared(model, { deletionPolicy: 'Delete' })
    const { externalID } = recordOf(model) ?? {}
    model.remove(key)
    await model.run()
    model.advance(pruneDelayMs)
    model.world.failNext('late')
    await model.run()
    expect(recordOf(model)?.end).toBeDefined()
    await declared(model)
    await rounds(model)
    expect(standingOf(model)).toBe('Ready AsDeclared')
    expect(volumesOf(model)).toHaveLength(1)
    expect(recordOf(model)?.externalID).not.toBe(externalID)
  })
})

describe('a delete whose answer was lost', () => {
  it('is waited for although its repeat is refused and the volume is declared again', async () => {
    const model = createOperatorModel()
    await declared(model, { deletionPolicy: 'Delete' })
    const { externalID } = recordOf(model) ?? {}
    model.remove(key)
    await model.run()
    model.advance(pruneDelayMs)
    model.world.failNext('late')
    await model.run()
    model.world.failNext('refused')
    model.declare(hostVolume('data'))
    await model.run()
    expect(recordOf(model)?.end).toBeDefined()
    model.world.settle()
    await rounds(model)
    expect(standingOf(model)).toBe('Ready AsDeclared')
    expect(recordOf(model)?.externalID).not.toBe(externalID)
  })
})

describe('whatever happens to a host volume', () => {
  const specs: readonly NonNullable<Spec>[] = [
    {},
    { deletionPolicy: 'Delete' },
    { capacity: { min: 5n } },
    { capacity: { min: 9n }, deletionPolicy: 'Delete' },
  ]
  const act = fc.oneof(
    { weight: 4, arbitrary: fc.constant(['run'] as const) },
    { weight: 2, arbitrary: fc.tuple(fc.constant('declare' as const), fc.constantFrom(...specs)) },
    { weight: 2, arbitrary: fc.constant(['remove'] as const) },
    fc.tuple(fc.constant('kill' as const), fc.nat({ max: 6 })),
    fc.tuple(fc.constant('fault' as const), fc.constantFrom('lost', 'late', 'refused', 'unreachable')),
    fc.tuple(fc.constant('advance' as const), fc.constantFrom(1_000, pruneDelayMs, deadlineMs)),
    fc.tuple(fc.constant('node' as const), fc.constantFrom('n1', 'n2'), fc.constantFrom('ready', 'down')),
    { weight: 2, arbitrary: fc.tuple(fc.constant('use' as const), fc.constantFrom(true, true, false)) },
    fc.constant(['settle'] as const),
  )

  it('there is never a second one, none is deleted in use or under Retain, and it comes to rest', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(act, { maxLength: 40, size: 'max' }), async (acts) => {
        const model = createOperatorModel()
        const { hostVolumes } = model.world
        /** Whether a declaration said Delete since the last volume was made. */
        let mayDelete = false
        const check = () => {
          expect(volumesOf(model).length).toBeLessThanOrEqual(1)
          expect(hostVolumes.history.violations).toEqual([])
          if (!mayDelete) expect(hostVolumes.history.deleted).toEqual([])
        }
        for (const [name, first, second] of acts) {
          if (name === 'run') await rounds(model, 2)
          else if (name === 'declare') {
            model.declare(hostVolume('data', first))
            mayDelete ||= first.deletionPolicy === 'Delete'
          } else if (name === 'remove') {
            model.remove(key)
            await model.run()
            model.advance(pruneDelayMs)
          } else if (name === 'kill') model.killAfter(first)
          else if (name === 'fault') model.world.failNext(first as never)
          else if (name === 'advance') model.advance(first)
          else if (name === 'settle') model.world.settle()
          else if (name === 'node') {
            const node = hostVolumes.nodes.get(first)
            if (node !== undefined) hostVolumes.nodes.set(first, { ...node, Status: second })
          } else {
            const [volume] = volumesOf(model)
            // Nobody can hold back a delete that was sent: whoever comes after it is too late.
            if (first && volume !== undefined && recordOf(model)?.end === undefined)
              hostVolumes.users.set('a1', {
                namespace: 'default',
                nodeID: volume.NodeID,
                name: 'data',
                isOverlooked: true,
              })
            else hostVolumes.users.clear()
          }
          check()
        }
        for (const [id, node] of hostVolumes.nodes) hostVolumes.nodes.set(id, { ...node, Status: 'ready' })
        hostVolumes.users.clear()
        await model.rest()
        check()
        const record = recordOf(model)
        if (model.declared().length === 0) expect(record).toBeUndefined()
        else {
          expect(standingOf(model)).toBe('Ready AsDeclared')
          expect(volumesOf(model).map(({ ID }) => ID)).toEqual([record?.externalID])
        }
      }),
      { numRuns: 1500 },
    )
  }, 120_000)
})
