import { describe, expect, it } from 'vitest'
import type { Declaration } from '../../../../src/operator/declare/declaration.ts'
import { keyOf } from '../../../../src/operator/plan/identity.ts'
import type { SnapshotRequest } from '../../../../src/wire/snapshot.ts'
import type { VolumeRequest } from '../../../../src/wire/volume.ts'
import { schedule, snapshot, volume } from '../../../builders/declarations.ts'
import { createOperatorModel } from '../../../helpers/operator-model.ts'

const hourMs = 3_600_000
const noon = Date.parse('2026-11-01T12:00:00Z')

/** The operator with these declarations, and what it sends. */
function world(...declarations: Declaration[]) {
  const model = createOperatorModel(noon, {}, { key: 'value' })
  const { createVolume, createSnapshot } = model.world.api
  const volumes: VolumeRequest[] = []
  const snapshots: SnapshotRequest[] = []
  model.world.api.createVolume = (request, signal) => {
    volumes.push(request)
    return createVolume(request, signal)
  }
  model.world.api.createSnapshot = (namespace, request, signal) => {
    snapshots.push(request)
    return createSnapshot(namespace, request, signal)
  }
  for (const declaration of declarations) model.declare(declaration)
  const settle = async () => {
    for (let round = 0; round < 6; round += 1) await model.run()
  }
  /** Past three o'clock in the night, at which schedules run. */
  const nextMorning = async () => {
    await settle()
    model.advance(15 * hourMs)
    await settle()
  }
  return { model, volumes, snapshots, settle, nextMorning }
}

/** Fields of declarations that no other test shows. docs/fields.md lists all. */
describe('a field', () => {
  it('source.volume is the external ID of the declared volume that is cloned', async () => {
    const { model, volumes, settle } = world(
      volume('original'),
      volume('copy', { source: { volume: 'original' } }),
    )
    await settle()
    const original = model.stored.get('Volume/default/original')
    expect(volumes.find(({ ID }) => ID === 'copy')?.CloneID).toBe(original?.status.externalID)
  })

  it('source.cloneID is sent as it stands', async () => {
    const { volumes, settle } = world(volume('copy', { source: { cloneID: 'vol-7' } }))
    await settle()
    expect(volumes).toMatchObject([{ ID: 'copy', CloneID: 'vol-7' }])
  })

  it('a snapshot is of the volume of its own Nomad namespace', async () => {
    const { model, settle } = world(
      volume('data'),
      volume('data', { namespace: 'prod' }),
      snapshot('of-data', 'data', { namespace: 'prod' }),
    )
    await settle()
    const taken = model.stored.get('Snapshot/prod/of-data')
    const source = model.stored.get('Volume/prod/data')
    expect(source?.status.externalID).toBeDefined()
    expect(taken).toMatchObject({ externalSourceVolumeID: source?.status.externalID })
  })

  it('a snapshot has the CSI name that it gives', async () => {
    const { snapshots, settle } = world(volume('data'), snapshot('of-data', 'data', { name: 'exactly-this' }))
    await settle()
    expect(snapshots).toMatchObject([{ Name: 'exactly-this' }])
  })

  it.each<[string, Declaration]>([
    ['snapshot', snapshot('of-data', 'data', { suspend: true })],
    ['schedule', schedule('nightly', ['data'], { suspend: true })],
  ])('a suspended %s takes nothing', async (_kind, suspended) => {
    const { model, snapshots, nextMorning } = world(volume('data'), suspended)
    await nextMorning()
    expect(snapshots).toEqual([])
    expect(model.stored.get(keyOf(suspended))?.status.conditions[0]?.reason).toBe('Suspended')
  })

  it('a schedule selects volumes of its own Nomad namespace', async () => {
    const { snapshots, nextMorning } = world(
      volume('data'),
      volume('data', { namespace: 'prod' }),
      schedule('nightly', ['data'], { namespace: 'prod' }),
    )
    await nextMorning()
    expect(snapshots).toHaveLength(1)
  })

  it('a schedule takes snapshots with the parameters and secrets of its template', async () => {
    const template = { parameters: { tier: 'cold' }, secrets: { key: { fromEnv: 'MOORING_SECRET_KEY' } } }
    const { snapshots, nextMorning } = world(volume('data'), schedule('nightly', ['data'], { template }))
    await nextMorning()
    expect(snapshots).toMatchObject([{ Parameters: { tier: 'cold' }, Secrets: { key: 'value' } }])
  })

  it('a schedule spreads its run over its jitter, and no volume waits longer', async () => {
    const names = ['a', 'b', 'c', 'd', 'e', 'f']
    const { model, snapshots, settle } = world(
      ...names.map((name) => volume(name)),
      schedule('nightly', names, { jitterSeconds: 3000 }),
    )
    await settle()
    model.advance(15 * hourMs + 1)
    await settle()
    expect(snapshots.length).toBeLessThan(names.length)
    model.advance(3_000_000)
    await settle()
    await settle()
    expect(snapshots).toHaveLength(names.length)
  })
})
