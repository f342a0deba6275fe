import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { createMemoryInventory, emptyContents } from '../../../../src/operator/inventory/memory-inventory.ts'
import { openSqliteInventory } from '../../../../src/operator/inventory/sqlite-inventory.ts'
import { openStoredInventory } from '../../../../src/operator/inventory/stored-inventory.ts'
import { createVariableStore } from '../../../../src/operator/inventory/variable-records.ts'
import type { Inventory } from '../../../../src/operator/plan/ports.ts'
import { beginRecord } from '../../../../src/operator/plan/ports.ts'
import { managedPart, type VolumeRecord } from '../../../../src/operator/plan/record.ts'
import { volume } from '../../../builders/declarations.ts'
import { volumeRecord } from '../../../builders/records.ts'
import { createFakeRecordStore } from '../../../fakes/record-store.ts'
import { startNomadVariables } from '../../../helpers/nomad-variables.ts'
import { temporaryDirectory } from '../../../helpers/temporary-directory.ts'

/** Opens the same inventory again and again, each time as a process would that starts. */
type Open = () => Promise<Inventory & { close?(): void }>

const throwConflict = (why: string) => {
  throw new Error(why)
}

const implementations: Readonly<Record<string, () => Promise<Open>>> = {
  memory: async () => {
    const inventory = createMemoryInventory(emptyContents, (text) => `hash of ${text}`)
    return async () => inventory
  },
  SQLite: async () => {
    const directory = join(temporaryDirectory(), 'operator')
    let last: ReturnType<typeof openSqliteInventory> | undefined
    onTestFinished(() => last?.close())
    return async () => {
      last?.close()
      last = openSqliteInventory(directory)
      return last
    }
  },
  'texts of a store': async () => {
    const store = createFakeRecordStore()
    return () => openStoredInventory(store, throwConflict)
  },
  'Nomad Variables': async () => {
    const { client } = await startNomadVariables()
    const store = createVariableStore(client, {
      namespace: 'default',
      prefix: 'mooring/test/',
      exclude: ['leader'],
    })
    return () => openStoredInventory(store, throwConflict)
  },
}

const record = (fields: Partial<VolumeRecord> = {}) =>
  volumeRecord(volume('data', { capacity: { min: 2n ** 60n } }), {
    externalID: 'vol-1',
    intent: { request: { ID: 'data', PluginID: 'disk' }, sinceMs: 1, mayRunMs: 2, holder: 'one' },
    ...fields,
  })
const { key } = record()

describe.each(Object.entries(implementations))('an inventory: %s', (_name, create) => {
  test('reads back after a restart what was written before it', async () => {
    const open = await create()
    const inventory = await open()
    await beginRecord(inventory, record({ incarnation: 1 }))
    await beginRecord(inventory, record({ incarnation: 2 }))
    await inventory.amendOrders(key, (orders) => ({ ...orders, suspendedSinceMs: 5 }))
    const released = { key, pluginID: 'disk', externalID: 'vol-0', reason: 'Retained', atMs: 7 }
    await inventory.release(released)
    await inventory.release({ ...released, atMs: 8 })
    await inventory.release({ ...released, externalID: 'vol-00' })
    const hash = inventory.keyedHash('secret')
    for (const each of [inventory, await open()]) {
      expect(each.get(key)).toEqual(record({ incarnation: 2 }))
      expect(each.list()).toEqual([record({ incarnation: 2 })])
      expect(each.orders(key)).toEqual({ suspendedSinceMs: 5 })
      expect([...each.released()].sort((one, other) => one.atMs - other.atMs)).toEqual([
        { ...released, externalID: 'vol-00' },
        { ...released, atMs: 8 },
      ])
      expect(each.findReleased('key', key)).toHaveLength(2)
      expect(each.findReleased('externalID', 'vol-0')).toEqual([{ ...released, atMs: 8 }])
      expect(each.findReleased('externalID', 'vol-1')).toEqual([])
      expect(each.keyedHash('secret')).toBe(hash)
      expect(each.keyedHash('another')).not.toBe(hash)
    }
  })

  test('forgets a record with what was ordered for it', async () => {
    const open = await create()
    const inventory = await open()
    await beginRecord(inventory, record())
    await inventory.amendOrders(key, () => ({ suspendedSinceMs: 5 }))
    await inventory.delete(key)
    await inventory.delete(key)
    for (const each of [inventory, await open()]) {
      expect(each.get(key)).toBeUndefined()
      expect(each.list()).toEqual([])
      expect(each.orders(key)).toEqual({})
    }
    const again = await open()
    await beginRecord(again, record())
    expect((await open()).get(key)).toEqual(record())
  })

  test('keeps what was ordered for an identity that no pass has looked at', async () => {
    const open = await create()
    const inventory = await open()
    await inventory.amendOrders(key, () => ({ suspendedSinceMs: 5 }))
    const again = await open()
    expect(again.orders(key)).toEqual({ suspendedSinceMs: 5 })
    expect(again.list()).toEqual([])
  })

  test('writes of one owner take nothing from the others, in whatever order they meet', async () => {
    const open = await create()
    const inventory = await open()
    await beginRecord(inventory, record({ incarnation: 1 }))
    // A pass holds what it found while a reading sees the declaration gone, and then back again.
    const found = inventory.get(key)
    const { declaration } = record()
    await inventory.declare({ key, declaration, missing: { sinceMs: 7, isSeen: true, elapsedMs: 1 } })
    await Promise.all([
      inventory.declare({ key, declaration }),
      inventory.amendOrders(key, (orders) => ({ ...orders, suspendedSinceMs: 5 })),
      ...(found === undefined ? [] : [inventory.put({ ...managedPart(found), incarnation: 2 })]),
      inventory.amendOrders(key, (orders) => ({ ...orders, recreate: { externalID: 'vol-1', atMs: 6 } })),
    ])
    for (const each of [inventory, await open()]) {
      expect(each.get(key)).toEqual(record({ incarnation: 2 }))
      expect(each.orders(key)).toEqual({ suspendedSinceMs: 5, recreate: { externalID: 'vol-1', atMs: 6 } })
    }
    const again = await open()
    const missing = { sinceMs: 8, isSeen: true, elapsedMs: 2 }
    await again.declare({ key, declaration, sighting: { others: 'a b' }, missing })
    await again.put({ ...managedPart(record()), incarnation: 3 })
    for (const each of [again, await open()]) {
      expect(each.get(key)).toEqual(record({ incarnation: 3, sighting: { others: 'a b' }, missing }))
    }
  })

  test('remembers a declaration that no pass has looked at, and writes it with the first pass', async () => {
    const open = await create()
    const inventory = await open()
    const { declaration } = record()
    await inventory.declare({ key, declaration: volume('data', { pluginID: 'other' }) })
    expect(inventory.list()).toEqual([])
    const write = inventory.put(managedPart(record()))
    // The first write is under way when a reading sees another declaration.
    await Promise.all([write, inventory.declare({ key, declaration })])
    expect((await open()).get(key)).toEqual(record())
  })

  test('keeps what a pass is writing where its declaration goes meanwhile', async () => {
    const open = await create()
    const inventory = await open()
    await inventory.declare({ key, declaration: record().declaration })
    const write = inventory.put(managedPart(record()))
    inventory.undeclare(key)
    await write
    expect((await open()).get(key)).toEqual(record())
  })

  test('writes nothing of an identity that was never declared', async () => {
    const inventory = await (await create())()
    await expect(inventory.put(managedPart(record()))).rejects.toThrow('never declared')
  })

  test('finds records by what they are of, and tells of each change and of the end', async () => {
    const inventory = await (await create())()
    const told: (number | undefined)[] = []
    inventory.onChange((changed, found) => {
      if (changed === key) told.push(found?.incarnation)
    })
    await beginRecord(inventory, record({ incarnation: 1 }))
    const many = volumeRecord({
      ...volume('many[0]'),
      instance: { name: 'many', volumeID: 'many', index: 0 },
    })
    await beginRecord(inventory, many)
    const keys = (...[index, value]: Parameters<typeof inventory.find>) =>
      inventory.find(index, value).map((each) => each.key)
    expect(keys('plugin', 'directories').sort()).toEqual([key, many.key].sort())
    expect(keys('volumeName', 'default/data')).toEqual([key])
    expect(keys('wholeName', 'default/many')).toEqual([many.key])
    expect(keys('kind', 'Snapshot')).toEqual([])
    await inventory.declare({ key, declaration: volume('data', { pluginID: 'other' }) })
    expect(keys('plugin', 'other')).toEqual([key])
    await inventory.delete(key)
    expect(keys('plugin', 'other')).toEqual([])
    expect(told.at(0)).toBe(1)
    expect(told.at(-1)).toBeUndefined()
  })
})
