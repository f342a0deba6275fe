import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { openStoredInventory } from '../../../../src/operator/inventory/stored-inventory.ts'
import { fitEntry, nameOfKey, parseStored } from '../../../../src/operator/inventory/stored-text.ts'
import { beginRecord } from '../../../../src/operator/plan/ports.ts'
import { declaredPart, type InventoryRecord, managedPart } from '../../../../src/operator/plan/record.ts'
import type { PastStep } from '../../../../src/operator/plan/status.ts'
import { schedule, volume } from '../../../builders/declarations.ts'
import { volumeRecord } from '../../../builders/records.ts'
import { createFakeRecordStore, type FakeRecordStore } from '../../../fakes/record-store.ts'

const record = (incarnation: number, name = 'data') => volumeRecord(volume(name), { incarnation })
const { key } = record(0)
const partsOf = (whole: InventoryRecord) => ({ declared: declaredPart(whole), managed: managedPart(whole) })

async function open(store: FakeRecordStore) {
  const conflicts: string[] = []
  return { inventory: await openStoredInventory(store, (why) => conflicts.push(why)), conflicts }
}

describe('an inventory over a store', () => {
  it('finds by reading that a write whose answer was lost was carried out', async () => {
    const store = createFakeRecordStore()
    const { inventory, conflicts } = await open(store)
    store.fault = 'lose answer'
    await beginRecord(inventory, record(1))
    await beginRecord(inventory, record(2))
    store.fault = 'lose answer'
    await inventory.delete(key)
    expect([...store.texts.keys()]).toEqual(['hash-key'])
    expect(conflicts).toEqual([])
  })

  it('fails a write that did not arrive, and goes on from what was there', async () => {
    const store = createFakeRecordStore()
    const { inventory, conflicts } = await open(store)
    await beginRecord(inventory, record(1))
    store.fault = 'lose request'
    await expect(beginRecord(inventory, record(2))).rejects.toMatchObject({ kind: 'transient' })
    expect(inventory.get(key)?.incarnation).toBe(1)
    await beginRecord(inventory, record(3))
    expect((await open(store)).inventory.get(key)?.incarnation).toBe(3)
    expect(conflicts).toEqual([])
  })

  it('remembers nothing of a write of which nothing is known, and gives up when it turns out to have arrived', async () => {
    const store = createFakeRecordStore()
    const { inventory, conflicts } = await open(store)
    await beginRecord(inventory, record(1))
    store.fault = 'lose answer'
    store.isUnreachable = true
    await expect(beginRecord(inventory, record(2))).rejects.toThrow('the store does not answer')
    expect(inventory.get(key)?.incarnation).toBe(1)
    store.isUnreachable = false
    await expect(beginRecord(inventory, record(3))).rejects.toMatchObject({ reason: 'NotLeader' })
    expect(conflicts).toHaveLength(1)
  })

  it('takes it for its own where the same is written again after such a write', async () => {
    const store = createFakeRecordStore()
    const { inventory, conflicts } = await open(store)
    store.fault = 'lose answer'
    store.isUnreachable = true
    await expect(beginRecord(inventory, record(2))).rejects.toThrow('the store does not answer')
    store.isUnreachable = false
    await beginRecord(inventory, record(2))
    expect(inventory.get(key)?.incarnation).toBe(2)
    expect(conflicts).toEqual([])
  })

  it('lets a leader of yesterday write over nothing that a later one wrote, nor anything after that', async () => {
    const store = createFakeRecordStore()
    const yesterday = await open(store)
    await beginRecord(yesterday.inventory, record(1))
    const today = await open(store)
    await beginRecord(today.inventory, record(2))
    const before = [...store.texts.values()]
    await expect(beginRecord(yesterday.inventory, record(3))).rejects.toMatchObject({
      kind: 'waiting',
      reason: 'NotLeader',
    })
    expect(yesterday.conflicts).toHaveLength(1)
    // It knows nothing for certain any more, so that it writes what nobody else wrote neither.
    await expect(beginRecord(yesterday.inventory, record(1, 'another'))).rejects.toMatchObject({
      reason: 'NotLeader',
    })
    expect([...store.texts.values()]).toEqual(before)
    expect(yesterday.conflicts).toHaveLength(1)
  })

  it('lets only one of two leaders begin a record', async () => {
    const store = createFakeRecordStore()
    const [one, other] = [await open(store), await open(store)]
    await beginRecord(one.inventory, record(1))
    await expect(beginRecord(other.inventory, record(1, 'data'))).resolves.toBeUndefined()
    await expect(beginRecord(other.inventory, record(2))).resolves.toBeUndefined()
    await expect(beginRecord(one.inventory, record(3))).rejects.toMatchObject({ reason: 'NotLeader' })
  })

  it('writes nothing where nothing differs', async () => {
    const store = createFakeRecordStore()
    const { inventory } = await open(store)
    await beginRecord(inventory, record(1))
    await beginRecord(inventory, record(1))
    expect(store.writes.filter((write) => write.includes('volume/'))).toHaveLength(1)
  })

  it('refuses to begin a new hash key over records that were hashed by another', async () => {
    const store = createFakeRecordStore()
    const { inventory } = await open(store)
    await beginRecord(inventory, record(1))
    await store.remove('hash-key', store.texts.get('hash-key')?.version ?? '')
    await expect(open(store)).rejects.toThrow('has records but no hash-key')
  })

  it('names what it cannot read', async () => {
    const store = createFakeRecordStore()
    await open(store)
    store.overwrite('volume/aa', '{"key":')
    await expect(open(store)).rejects.toThrow('the inventory entry volume/aa is damaged')
  })

  it('stores in the end what was put last, whatever is lost on the way', async () => {
    const faults = fc.array(fc.constantFrom(undefined, 'lose request' as const, 'lose answer' as const), {
      maxLength: 30,
    })
    await fc.assert(
      fc.asyncProperty(faults, async (story) => {
        const store = createFakeRecordStore()
        const { inventory, conflicts } = await open(store)
        let expected: number | undefined
        for (const [index, fault] of story.entries()) {
          store.fault = fault
          await beginRecord(inventory, record(index)).then(
            () => {
              expected = index
            },
            () => {},
          )
          store.fault = undefined
          expect(inventory.get(key)?.incarnation).toBe(expected)
          expect((await open(store)).inventory.get(key)?.incarnation).toBe(expected)
        }
        expect(conflicts).toEqual([])
      }),
    )
  })
})

describe('names in a store', () => {
  it('are of letters, digits, dashes and one slash, whatever the identity is called', () => {
    for (const each of ['Volume/default/a.b[0]', 'Snapshot/ü/x:y:z', 'SnapshotSchedule/default/nightly']) {
      expect(nameOfKey(each)).toMatch(/^(volume|snapshot|snapshot-schedule)\/[0-9a-f]{40}$/)
    }
  })
})

describe('an entry that has to fit', () => {
  const maxBytes = 65_530
  const step = (index: number): PastStep => ({
    step: 'take-final-snapshot',
    // An error text is at most 500 characters of the answer beside its title, and a character up to 4 bytes.
    why: '🦀'.repeat(250),
    error: '🦀'.repeat(600),
    atMs: index,
    outcome: 'failed',
    times: 999,
  })
  const claims = Array.from(
    { length: 200 },
    (_, index) => `00000000-0000-0000-0000-${String(index).padStart(12, '0')}`,
  )

  it('fits as it is, with the longest history, claims of 200 allocations and errors of 1,100 bytes each', () => {
    const longest = Array.from({ length: 20 }, (_, index) => ({
      ...step(index),
      why: 'w'.repeat(600),
      error: 'e'.repeat(1_100),
    }))
    const whole = volumeRecord(volume('data'), { status: { conditions: [], history: longest, claims } })
    const stored = parseStored('volume/aa', fitEntry({ key, ...partsOf(whole), orders: {} }, maxBytes))
    expect(stored).toMatchObject({ entry: { managed: { status: { history: longest, claims } } } })
  })

  it('goes without its older steps first, and never without what passes need', () => {
    const history = Array.from({ length: 20 }, (_, index) => step(index))
    const intent = { request: { ID: 'data', PluginID: 'disk' }, sinceMs: 1, mayRunMs: 2 }
    const whole = volumeRecord(volume('data'), {
      externalID: 'vol-1',
      intent,
      status: { conditions: [], history, claims },
    })
    const text = fitEntry({ key, ...partsOf(whole), orders: { suspendedSinceMs: 5 } }, maxBytes)
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(maxBytes)
    expect(parseStored('volume/aa', text)).toMatchObject({
      entry: {
        key,
        orders: { suspendedSinceMs: 5 },
        managed: { externalID: 'vol-1', intent, status: { history: history.slice(0, 5), claims } },
      },
    })
  })

  it('is refused with its size and a remedy where nothing more can go', () => {
    const declaration = schedule('nightly', ['data'])
    const ticks = Object.fromEntries(
      Array.from({ length: 3000 }, (_, index) => [`Volume/default/volume-number-${index}`, index]),
    )
    const record = {
      kind: 'SnapshotSchedule' as const,
      key: 'SnapshotSchedule/default/nightly',
      declaration,
      csiName: '',
      incarnation: 0,
      sinceMs: 0,
      ticks,
      status: { conditions: [], kept: { a: ['b'] } },
    }
    expect(() => fitEntry({ key: record.key, ...partsOf(record), orders: {} }, maxBytes)).toThrow(
      /^SnapshotSchedule\/default\/nightly needs \d+ bytes in the inventory, which stores at most 65530 per entry. Split the schedule/,
    )
  })
})
