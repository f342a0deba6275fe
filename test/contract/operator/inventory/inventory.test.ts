import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { createMemoryInventory, emptyContents } from '../../../../src/operator/inventory/memory-inventory.ts'
import { openSqliteInventory } from '../../../../src/operator/inventory/sqlite-inventory.ts'
import { openStoredInventory } from '../../../../src/operator/inventory/stored-inventory.ts'
import { createVariableStore } from '../../../../src/operator/inventory/variable-records.ts'
import type { Inventory } from '../../../../src/operator/plan/ports.ts'
import type { VolumeRecord } from '../../../../src/operator/plan/record.ts'
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
    intent: { request: { ID: 'data', PluginID: 'disk' }, sinceMs: 1, deadlineMs: 2, holder: 'one' },
    ...fields,
  })
const { key } = record()

describe.each(Object.entries(implementations))('an inventory: %s', (_name, create) => {
  test('reads back after a restart what was written before it', async () => {
    const open = await create()
    const inventory = await open()
    await inventory.put(record({ incarnation: 1 }))
    await inventory.put(record({ incarnation: 2 }))
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
      expect(each.keyedHash('secret')).toBe(hash)
      expect(each.keyedHash('another')).not.toBe(hash)
    }
  })

  test('forgets a record with what was ordered for it', async () => {
    const open = await create()
    const inventory = await open()
    await inventory.put(record())
    await inventory.amendOrders(key, () => ({ suspendedSinceMs: 5 }))
    await inventory.delete(key)
    await inventory.delete(key)
    for (const each of [inventory, await open()]) {
      expect(each.get(key)).toBeUndefined()
      expect(each.list()).toEqual([])
      expect(each.orders(key)).toEqual({})
    }
    const again = await open()
    await again.put(record())
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

  test('amends what was written last, in the order of the calls, and nothing that is not managed', async () => {
    const open = await create()
    const inventory = await open()
    await inventory.amend(key, () => {
      throw new Error('nothing is there')
    })
    await Promise.all([
      inventory.put(record({ incarnation: 1 })),
      ...Array.from({ length: 10 }, () =>
        inventory.amend(key, (each) => ({ ...each, incarnation: each.incarnation + 1 })),
      ),
      inventory.amendOrders(key, (orders) => ({ ...orders, suspendedSinceMs: 5 })),
      inventory.amendOrders(key, (orders) => ({ ...orders, recreate: { externalID: 'vol-1', atMs: 6 } })),
    ])
    for (const each of [inventory, await open()]) {
      expect(each.get(key)?.incarnation).toBe(11)
      expect(each.orders(key)).toEqual({ suspendedSinceMs: 5, recreate: { externalID: 'vol-1', atMs: 6 } })
    }
  })
})
