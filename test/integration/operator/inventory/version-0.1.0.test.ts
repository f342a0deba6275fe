import { copyFileSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { openSqliteInventory } from '../../../../src/operator/inventory/sqlite-inventory.ts'
import { openStoredInventory } from '../../../../src/operator/inventory/stored-inventory.ts'
import type { Inventory } from '../../../../src/operator/plan/ports.ts'
import { managedPart } from '../../../../src/operator/plan/record.ts'
import { createFakeRecordStore } from '../../../fakes/record-store.ts'
import { temporaryDirectory } from '../../../helpers/temporary-directory.ts'

/** Written by version 0.1.0, whose readings, passes and schedules wrote one record as a whole. */
const fixtures = 'test/fixtures'

async function openSqlite(): Promise<Inventory> {
  const directory = temporaryDirectory()
  copyFileSync(join(fixtures, 'inventory-0.1.0.sqlite'), join(directory, 'inventory.sqlite'))
  // Opened twice: the migration is done once.
  openSqliteInventory(directory).close()
  const inventory = openSqliteInventory(directory)
  onTestFinished(() => inventory.close())
  return inventory
}

async function openTexts(): Promise<Inventory> {
  const store = createFakeRecordStore()
  const texts: Record<string, string> = JSON.parse(
    readFileSync(join(fixtures, 'inventory-0.1.0.json'), 'utf8'),
  )
  for (const [name, text] of Object.entries(texts)) store.overwrite(name, text)
  const inventory = await openStoredInventory(store, () => {})
  // What is written from here on is in parts, beside what is still in one piece.
  const kept = inventory.get('Volume/default/kept')
  if (kept !== undefined) await inventory.put({ ...managedPart(kept) })
  return openStoredInventory(store, () => {})
}

it.each([
  ['a database', openSqlite],
  ['texts of a store', openTexts],
])('reads all that version 0.1.0 wrote to %s', async (_title, open) => {
  const inventory = await open()
  expect(
    inventory
      .list()
      .map(({ key }) => key)
      .sort(),
  ).toEqual([
    'Snapshot/default/before',
    'Snapshot/default/nightly:kept:19700102T000000Z',
    'Snapshot/default/nightly:kept:19700103T000000Z',
    'SnapshotSchedule/default/nightly',
    'Volume/default/creating',
    'Volume/default/deleting',
    'Volume/default/kept',
  ])
  expect(inventory.get('Volume/default/kept')).toMatchObject({
    externalID: 'vol-1',
    context: { zone: 'a' },
    missing: { sinceMs: 1_700_000_000_000, isSeen: true, elapsedMs: 0 },
    declaration: { spec: { capacity: { min: 2n ** 60n, max: 2n ** 61n }, deletionPolicy: 'Delete' } },
    status: { claims: ['alloc'], conditions: [{ reason: 'AsDeclared' }] },
  })
  expect(inventory.get('Volume/default/creating')).toMatchObject({
    intent: { sinceMs: 1, deadlineMs: 2, holder: 'one' },
    observed: { uid: 'uid-1', generation: 3 },
    declaration: { spec: { capacity: { min: 5n } } },
  })
  // A delete that is out goes by the declaration that it began with.
  expect(inventory.get('Volume/default/deleting')).toMatchObject({
    end: {
      phase: 'delete',
      tombstoneID: 'mooring-deleting-aa',
      declaration: { name: 'deleting', spec: { capacity: { min: 7n }, deletionPolicy: 'Delete' } },
    },
  })
  expect(inventory.get('SnapshotSchedule/default/nightly')).toMatchObject({
    sinceMs: 3,
    ticks: { 'Volume/default/kept': 4 },
  })
  expect(inventory.find('schedule', 'SnapshotSchedule/default/nightly')).toHaveLength(2)
  expect(inventory.get('Snapshot/default/nightly:kept:19700102T000000Z')).toMatchObject({
    schedule: { tickMs: 86_400_000, isExpired: false },
    declaration: { spec: { deletionPolicy: 'Retain' } },
  })
  const expired = 'Snapshot/default/nightly:kept:19700103T000000Z'
  expect(inventory.get(expired)).toMatchObject({
    snapshotID: 'snap-2',
    schedule: { isExpired: true, objectUID: 'uid-9' },
    declaration: { spec: { deletionPolicy: 'Delete' } },
  })
  expect(inventory.orders(expired)).toMatchObject({ expiry: { policy: 'Delete' } })
  expect(inventory.orders('Volume/default/kept')).toEqual({ suspendedSinceMs: 5 })
  expect(inventory.orders('Volume/default/unseen')).toEqual({ suspendedSinceMs: 7 })
  expect(inventory.released()).toMatchObject([{ externalID: 'vol-0', reason: 'Replaced' }])
})
