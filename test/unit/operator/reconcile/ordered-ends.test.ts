import { describe, expect, it } from 'vitest'
import type { Declaration } from '../../../../src/operator/declare/declaration.ts'
import { createDesired } from '../../../../src/operator/desired/desired.ts'
import type { OrderedEnd } from '../../../../src/operator/desired/object-ends.ts'
import { createMemoryInventory, emptyContents } from '../../../../src/operator/inventory/memory-inventory.ts'
import { expandPerAlloc } from '../../../../src/operator/plan/per-alloc.ts'
import { beginRecord } from '../../../../src/operator/plan/ports.ts'
import type { InventoryRecord } from '../../../../src/operator/plan/record.ts'
import { snapshot, volume } from '../../../builders/declarations.ts'
import { reading } from '../../../builders/evidence.ts'
import { objectPlace } from '../../../builders/objects.ts'
import { snapshotRecord, volumeRecord } from '../../../builders/records.ts'

const deletedAt = '2026-11-29T10:00:00Z'

const placeOf = (name: string, uid = `uid-of-${name}`) => objectPlace(`Volume team-a/${name}`, uid)
const data = volume('data', { deletionPolicy: 'Delete' }, placeOf('data'))
const key = 'Volume/default/data'
const end = (declaration: Declaration, change: Partial<OrderedEnd> = {}): OrderedEnd => ({
  place: declaration.place,
  declaration,
  deletedAt,
  isReleased: false,
  ageMs: 60_000,
  ...change,
})

async function desiredWith(records: readonly InventoryRecord[]) {
  const inventory = createMemoryInventory(emptyContents, (text) => text)
  for (const record of records) await beginRecord(inventory, record)
  const prune = { prune: false, pruneDelayMs: 60_000, allowEmpty: false }
  const desired = createDesired({ inventory, region: 'global', prune })
  const update = (declarations: readonly Declaration[], ends: readonly OrderedEnd[]) =>
    desired.update(declarations, reading(declarations, 1000, {}, 'kubernetes'), ends)
  return { desired, update }
}

describe('ends that people order', () => {
  it('hold the identity against another object until they are done', async () => {
    const other = volume('data', {}, placeOf('other'))
    const { desired, update } = await desiredWith([volumeRecord(data)])
    await update([other], [end(data)])
    expect(desired.declaration(key)).toBeUndefined()
    expect(desired.absence(key)).toMatchObject({ state: 'ending' })
    expect(desired.refusals()).toMatchObject([{ reason: 'OwnedElsewhere', declaration: other }])
  })

  it('do nothing where another object is the owner, or nothing is managed', async () => {
    const other = volume('data', {}, placeOf('other'))
    const { desired, update } = await desiredWith([volumeRecord(other)])
    await update([other], [end(data)])
    expect(desired.declaration(key)).toBe(other)
    expect(desired.absence(key)).toBeUndefined()

    const unmanaged = await desiredWith([])
    await unmanaged.update([other], [end(data)])
    expect(unmanaged.desired.declaration(key)).toBe(other)
  })

  it('of an object that cannot be used are those of what it declared before', async () => {
    const { declaration: _, ...unreadable } = end(data, { isReleased: true })
    const { desired, update } = await desiredWith([volumeRecord(data)])
    await update([], [unreadable])
    expect(desired.absence(key)).toMatchObject({
      state: 'ending',
      declaration: { spec: { deletionPolicy: 'Retain' } },
    })
  })

  it('end a snapshot of a schedule where its own object is deleted, and by no other', async () => {
    const taken = snapshot('nightly:data:1', 'data', { deletionPolicy: 'Delete' }, placeOf('mirror'))
    const record = snapshotRecord(taken, {
      schedule: {
        schedule: 'SnapshotSchedule/default/nightly',
        volume: key,
        tickMs: 0,
        isExpired: false,
        objectUID: 'uid-of-mirror',
      },
    })
    const { desired, update } = await desiredWith([record])
    await update([], [end({ ...taken, place: placeOf('mirror', 'another') })])
    expect(desired.absence(record.key)).toBeUndefined()
    await update([], [end(taken, { confirmation: deletedAt })])
    expect(desired.absence(record.key)).toMatchObject({ state: 'ending' })
  })

  const whole = (count: number, change: object = {}) =>
    volume(
      'set',
      { perAlloc: { count, whenScaled: 'Retain' }, deletionPolicy: 'Delete', ...change },
      placeOf('set'),
    )
  const instances = (declaration: ReturnType<typeof whole>) =>
    expandPerAlloc(declaration).flatMap((each) => (each.kind === 'Volume' ? [volumeRecord(each)] : []))

  it('end every volume of an object with perAlloc, which counts as one', async () => {
    const { desired, update } = await desiredWith(instances(whole(3)))
    await update([], [end(whole(3))])
    for (const index of [0, 1, 2]) {
      expect(desired.absence(`Volume/default/set[${index}]`)).toMatchObject({
        state: 'ending',
        declaration: { spec: { volumeID: `set[${index}]`, deletionPolicy: 'Delete' } },
      })
    }
  })

  it('end by whenScaled what the last count before the end left out', async () => {
    const { desired, update } = await desiredWith(instances(whole(2)))
    await update([], [end(whole(1))])
    expect(desired.absence('Volume/default/set[0]')).toMatchObject({
      declaration: { spec: { deletionPolicy: 'Delete' } },
    })
    expect(desired.absence('Volume/default/set[1]')).toMatchObject({
      state: 'ending',
      declaration: { spec: { deletionPolicy: 'Retain' }, instance: { isScaledAway: true } },
    })
  })

  it('are not ordered by a lowered count before the delay has passed, whatever object it is of', async () => {
    const lowered = whole(1, { perAlloc: { count: 1, whenScaled: 'Delete' } })
    const { desired, update } = await desiredWith(instances(whole(2)))
    const { readAgainAtMs } = await update([lowered], [])
    expect(desired.declaration('Volume/default/set[0]')).toBeDefined()
    expect(desired.absence('Volume/default/set[1]')).toMatchObject({ state: 'missing', untilMs: 61_000 })
    expect(readAgainAtMs).toBe(61_000)
  })

  it('release all of its volumes where the object is gone without a word', async () => {
    const { desired, update } = await desiredWith(instances(whole(2)))
    await update([volume('other', {}, placeOf('other'))], [])
    for (const index of [0, 1]) {
      expect(desired.absence(`Volume/default/set[${index}]`)).toMatchObject({
        state: 'ending',
        declaration: { spec: { deletionPolicy: 'Retain' } },
      })
    }
  })

  it('let a new object of the same name declare something else', async () => {
    const renewed = volume('renamed', {}, placeOf('data', 'uid-of-a-later-one'))
    const { desired, update } = await desiredWith([volumeRecord(data)])
    await update([renewed], [])
    expect(desired.declaration('Volume/default/renamed')).toBe(renewed)
    expect(desired.absence(key)).toMatchObject({ state: 'ending' })
    const changed = volume('renamed', {}, placeOf('data'))
    await update([changed], [])
    expect(desired.refusals()).toMatchObject([{ reason: 'IdentityChanged' }])
    expect(desired.absence(key)).toMatchObject({ state: 'held', reason: 'IdentityChanged' })
  })
})
