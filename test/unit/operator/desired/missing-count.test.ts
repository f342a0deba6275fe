import { describe, expect, it } from 'vitest'
import { createDesired } from '../../../../src/operator/desired/desired.ts'
import { createMissingCount } from '../../../../src/operator/desired/missing-count.ts'
import { createMemoryInventory, emptyContents } from '../../../../src/operator/inventory/memory-inventory.ts'
import { beginRecord } from '../../../../src/operator/plan/ports.ts'
import { type Missing, managedPart, type VolumeRecord } from '../../../../src/operator/plan/record.ts'
import { place, volume } from '../../../builders/declarations.ts'
import { doubt, evidence, folder, reading } from '../../../builders/evidence.ts'
import { volumeRecord } from '../../../builders/records.ts'

const of = (missing?: Missing) => volumeRecord(volume('a'), missing === undefined ? {} : { missing })
const at = (monotonicMs: number, atMs = 5) => reading([], monotonicMs, { atMs })

describe('the time that a declaration is missing', () => {
  it('is what passes between readings of one process', () => {
    const count = createMissingCount(10_000)
    const first = count.next(of(), at(1_000), 'removed')
    expect(first).toEqual({ sinceMs: 5, isSeen: true, elapsedMs: 0 })
    expect(count.next(of(first), at(4_000, 1e15), 'removed')).toEqual({ ...first, elapsedMs: 3_000 })
  })

  it('goes on after a restart, without the time between', () => {
    const missing = { sinceMs: 5, isSeen: true, elapsedMs: 3_000 }
    const count = createMissingCount(10_000)
    expect(count.next(of(missing), at(1e9), 'removed')).toEqual(missing)
    expect(count.next(of(missing), at(1e9 + 500), 'removed')).toEqual({ ...missing, elapsedMs: 3_500 })
  })

  it('stands still in doubt', () => {
    const count = createMissingCount(10_000)
    const missing = { sinceMs: 5, isSeen: true, elapsedMs: 2_000 }
    count.next(of(missing), at(0), 'removed')
    expect(count.next(of(missing), at(5_000), 'unclear')).toEqual(missing)
    expect(count.next(of(missing), at(9_000), 'seen')).toEqual(missing)
    expect(count.next(of(missing), at(9_500), 'removed')).toEqual(missing)
  })

  it('is remembered as unseen while it is in doubt from the beginning', () => {
    const count = createMissingCount(10_000)
    expect(count.next(of(), at(0), 'unclear')).toEqual({ sinceMs: 5, isSeen: false, elapsedMs: 0 })
    expect(count.next(of(), at(0), 'seen')).toEqual({ sinceMs: 5, isSeen: true, elapsedMs: 0 })
  })

  it('is stored again only when it grew by much, or is over', () => {
    const count = createMissingCount(8_000)
    const stored = { sinceMs: 5, isSeen: true, elapsedMs: 1_000 }
    expect(count.isStored(stored, { ...stored, elapsedMs: 1_500 })).toBe(true)
    expect(count.isStored(stored, { ...stored, elapsedMs: 2_000 })).toBe(false)
    expect(count.isStored({ ...stored, elapsedMs: 7_900 }, { ...stored, elapsedMs: 8_000 })).toBe(false)
    expect(count.isStored({ ...stored, isSeen: false }, stored)).toBe(false)
    expect(count.isStored(undefined, stored)).toBe(false)
  })
})

describe('what a reading makes of an absence', () => {
  const data = volume('data', { deletionPolicy: 'Delete' }, place('a.yaml'))
  const key = 'Volume/default/data'
  const prune = { prune: true, pruneDelayMs: 1_000, allowEmpty: true }

  async function managing(record: VolumeRecord) {
    const inventory = createMemoryInventory(emptyContents, (text) => text)
    await beginRecord(inventory, record)
    return { inventory, desired: createDesired({ inventory, region: 'global', prune }) }
  }
  const inDoubt = (monotonicMs: number) =>
    reading([], monotonicMs, {
      sources: new Map([['declarations', evidence([], { monotonicMs, doubts: [doubt('a.yaml')] })]]),
    })

  it('stays in force while it is in doubt, and the doubt is told', async () => {
    const { desired } = await managing(volumeRecord(data, { sighting: { folder } }))
    await desired.update([], inDoubt(0))
    expect(desired.declaration(key)).toEqual(data)
    expect(desired.absence(key)).toMatchObject({ state: 'held', reason: 'SourceUnclear' })
  })

  it('ends by a person’s word, which is void once the declaration was back', async () => {
    const { inventory, desired } = await managing(volumeRecord(data, { sighting: { folder } }))
    await desired.update([], inDoubt(1))
    const { sinceMs = 0 } = inventory.get(key)?.missing ?? {}
    await inventory.amendOrders(key, (orders) => ({ ...orders, removal: { sinceMs } }))
    await desired.update([], inDoubt(10))
    expect(desired.absence(key)).toMatchObject({ state: 'missing' })
    await desired.update([data], reading([data], 20))
    expect(desired.absence(key)).toBeUndefined()
    await desired.update([], inDoubt(30))
    expect(desired.absence(key)).toMatchObject({ state: 'held', reason: 'SourceUnclear' })
    const again = inventory.get(key)?.missing?.sinceMs ?? 0
    await inventory.amendOrders(key, (orders) => ({ ...orders, removal: { sinceMs: again } }))
    for (const nowMs of [40, 5_000]) await desired.update([], inDoubt(nowMs))
    expect(desired.absence(key)).toEqual({ state: 'ending' })
  })

  it('knows where a declaration stands that came back during its end, so that its next removal is seen', async () => {
    const record = volumeRecord(data, { sighting: { folder } })
    const { inventory, desired } = await managing(record)
    for (const nowMs of [0, 5_000]) await desired.update([], reading([], nowMs))
    expect(desired.absence(key)).toEqual({ state: 'ending' })
    await desired.update([data], reading([data], 6_000))
    // The end goes on to its end, and a pass begins the next life.
    await inventory.delete(key)
    const { sighting: _, ...fresh } = volumeRecord(data)
    await inventory.put(managedPart(fresh))
    expect(inventory.get(key)).toMatchObject({ sighting: { folder } })
    for (const nowMs of [7_000, 15_000]) await desired.update([], reading([], nowMs))
    expect(desired.absence(key)).toEqual({ state: 'ending' })
  })

  it('of a record with a relative folder is taken over where it is declared, and kept where it is not', async () => {
    const old = volumeRecord(volume('data', { deletionPolicy: 'Delete' }, place('a.yaml', 0, 'volumes')))
    const { inventory, desired } = await managing(old)
    for (const nowMs of [0, 5_000]) await desired.update([], reading([], nowMs))
    expect(desired.absence(key)).toMatchObject({ state: 'held', reason: 'SourceNotRead' })
    expect(desired.declaration(key)).toBeUndefined()
    await desired.update([data], reading([data], 6_000))
    expect(desired.declaration(key)).toBe(data)
    expect(inventory.get(key)).toMatchObject({ declaration: data, sighting: { folder } })
    expect(inventory.get(key)).not.toHaveProperty('missing')
  })

  it('is no end where a document changes its identity, however often it is read', async () => {
    const renamed = volume('renamed', { deletionPolicy: 'Delete' }, place('a.yaml'))
    const { desired } = await managing(volumeRecord(data, { sighting: { folder } }))
    for (const nowMs of [0, 5_000, 9_000]) await desired.update([renamed], reading([renamed], nowMs))
    expect(desired.absence(key)).toMatchObject({ state: 'held', reason: 'IdentityChanged' })
    expect(desired.refusals()).toMatchObject([{ reason: 'IdentityChanged' }])
  })
})
