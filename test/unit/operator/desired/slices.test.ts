import { expect, it } from 'vitest'
import type { Declaration } from '../../../../src/operator/declare/declaration.ts'
import { createDesired } from '../../../../src/operator/desired/desired.ts'
import { takeRecordSnapshot } from '../../../../src/operator/desired/record-snapshot.ts'
import { createMemoryInventory, emptyContents } from '../../../../src/operator/inventory/memory-inventory.ts'
import { keyOf } from '../../../../src/operator/plan/identity.ts'
import { beginRecord } from '../../../../src/operator/plan/ports.ts'
import { managedPart } from '../../../../src/operator/plan/record.ts'
import { volume } from '../../../builders/declarations.ts'
import { reading } from '../../../builders/evidence.ts'
import { volumeRecord } from '../../../builders/records.ts'

const prune = { prune: true, pruneDelayMs: 500, allowEmpty: true, maxPrune: 100 }

/** A desired state whose readings are interrupted after each slice by what a test does there. */
function interrupted() {
  const inventory = createMemoryInventory(emptyContents, (text) => text)
  let slices = 0
  let meanwhile: (slice: number) => void | Promise<void> = () => {}
  const desired = createDesired({
    inventory,
    region: 'global',
    prune,
    createBreather: () => async () => {
      slices += 1
      await meanwhile(slices)
    },
  })
  let atMs = 1_000
  return {
    inventory,
    desired,
    async read(declarations: readonly Declaration[], during: typeof meanwhile = () => {}) {
      slices = 0
      meanwhile = during
      atMs += 1_000
      const update = await desired.update(declarations, reading(declarations, atMs))
      return { ...update, slices }
    },
  }
}

const [a, b, c] = [volume('a'), volume('b'), volume('c')]

it('nothing of a reading is in force before all of it is decided', async () => {
  const { desired, inventory, read } = interrupted()
  for (const each of [a, b]) await beginRecord(inventory, volumeRecord(each))
  await read([a, b])
  const seen: unknown[] = []
  const { slices } = await read([a, c], () => {
    seen.push([[...desired.declarations().keys()], desired.absence(keyOf(b))?.state])
  })
  const [before, after] = [
    [[keyOf(a), keyOf(b)], undefined],
    [[keyOf(a), keyOf(c)], 'missing'],
  ]
  const first = seen.findIndex((each) => JSON.stringify(each) === JSON.stringify(after))
  expect(slices).toBeGreaterThan(20)
  expect(seen.at(-1)).toEqual(after)
  expect(first).toBeGreaterThan(10)
  expect(seen.slice(0, first)).toEqual(Array(first).fill(before))
  expect(seen.slice(first)).toEqual(Array(slices - first).fill(after))
})

it('many new declarations come into force at one moment', async () => {
  const { desired, read } = interrupted()
  const many = Array.from({ length: 2_500 }, (_, index) => volume(`many-${index}`))
  const sizes = new Set<number>()
  await read(many, () => void sizes.add(desired.declarations().size))
  expect(sizes).toEqual(new Set([0, 2_500]))
  expect(desired.find('volumeName', 'default/many-7')).toEqual([many[7]])
})

it('a pass may begin to manage whatever is in force', async () => {
  const { desired, inventory, read } = interrupted()
  const failures: unknown[] = []
  const many = Array.from({ length: 1_200 }, (_, index) => volume(`many-${index}`))
  await read(many, async () => {
    const declaration = desired.declaration('Volume/default/many-7')
    if (declaration === undefined || inventory.get('Volume/default/many-7') !== undefined) return
    await inventory.put(managedPart(volumeRecord(volume('many-7')))).catch((error) => failures.push(error))
  })
  expect(failures).toEqual([])
  expect(inventory.get('Volume/default/many-7')?.declaration).toEqual(many[7])
})

it.each(Array.from({ length: 40 }, (_, index) => index + 1))(
  'a declaration that comes back while its end is done, at slice %i, is managed again with what it says now',
  async (slice) => {
    const { desired, inventory, read } = interrupted()
    for (const each of [a, b]) await beginRecord(inventory, volumeRecord(each))
    await read([a, b])
    await read([a])
    await read([a])
    expect(desired.absence(keyOf(b))?.state).toBe('ending')
    const again = volume('b', { capacity: { min: 7n } })
    await read([a, again], async (now) => {
      if (now === slice) await inventory.delete(keyOf(b))
    })
    if (inventory.get(keyOf(b)) !== undefined) await inventory.delete(keyOf(b))
    await inventory.put(managedPart(volumeRecord(again)))
    expect(inventory.get(keyOf(b))?.declaration).toEqual(again)
    expect(inventory.get(keyOf(b))?.missing).toBeUndefined()
  },
)

it.each(Array.from({ length: 40 }, (_, index) => index + 1))(
  'two volumes that exchange an external volume at slice %i are never taken for holders of the same one',
  async (slice) => {
    const { desired, inventory, read } = interrupted()
    const put = (declaration: typeof a, externalID: string) =>
      inventory.put(managedPart(volumeRecord(declaration, { externalID })))
    for (const each of [a, b])
      await beginRecord(inventory, volumeRecord(each, { externalID: `of-${each.name}` }))
    await read([a, b, c], async (now) => {
      if (now !== slice) return
      await put(a, 'elsewhere')
      await put(b, 'of-a')
    })
    expect(desired.refusals()).toEqual([])
    await read([a, b, c])
    expect(desired.refusals()).toEqual([])
    await put(a, 'of-a')
    await read([a, b, c])
    expect(desired.refusals()).toHaveLength(1)
  },
)

it('readings are taken one after the other', async () => {
  const { desired, read } = interrupted()
  await Promise.all([read([a]), read([a, b]), read([c])])
  expect([...desired.declarations().keys()]).toEqual([keyOf(c)])
})

it('a snapshot shows the records as they were', async () => {
  const inventory = createMemoryInventory(emptyContents, (text) => text)
  for (const each of [a, b]) await beginRecord(inventory, volumeRecord(each))
  const before = new Map(inventory.list().map((record) => [record.key, record]))
  const snapshot = takeRecordSnapshot(inventory)
  await inventory.put(managedPart(volumeRecord(a, { externalID: 'one' })))
  await inventory.put(managedPart(volumeRecord(a, { externalID: 'two' })))
  await inventory.delete(keyOf(b))
  await beginRecord(inventory, volumeRecord(c))
  for (const each of [a, b, c]) expect(snapshot.get(keyOf(each))).toEqual(before.get(keyOf(each)))
  expect(new Set(snapshot.list())).toEqual(new Set(before.values()))
  expect(snapshot.gone()).toEqual([keyOf(b)])
  snapshot.close()
})

it('the first reading names what changed since the records were written, and nothing else', async () => {
  const { inventory, read } = interrupted()
  for (const each of [a, b, volume('gone')]) await beginRecord(inventory, volumeRecord(each))
  const changed = volume('b', { capacity: { min: 7n } })
  const first = await read([a, changed, c])
  expect(first.changed.toSorted()).toEqual([keyOf(b), keyOf(c), 'Volume/default/gone'])
})
