import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect, it, onTestFinished } from 'vitest'
import { openSqliteInventory } from '../../../../src/operator/inventory/sqlite-inventory.ts'
import { beginRecord } from '../../../../src/operator/plan/ports.ts'
import type { VolumeRecord } from '../../../../src/operator/plan/record.ts'
import { volume } from '../../../builders/declarations.ts'
import { volumeRecord } from '../../../builders/records.ts'
import { temporaryDirectory } from '../../../helpers/temporary-directory.ts'

const key = 'Volume/default/a'
const record = (name: string, fields: Partial<VolumeRecord> = {}) => volumeRecord(volume(name), fields)

function openTwice() {
  const directory = temporaryDirectory()
  const inventory = openSqliteInventory(directory)
  let isOpen = true
  const close = () => {
    if (isOpen) inventory.close()
    isOpen = false
  }
  onTestFinished(close)
  return {
    inventory,
    /** What a process after this one finds. */
    reopened() {
      close()
      const next = openSqliteInventory(directory)
      onTestFinished(() => next.close())
      return next
    },
  }
}

it('what was written is read once its promise resolves, and not before, and lasts', async () => {
  const { inventory, reopened } = openTwice()
  const writes = ['a', 'b', 'c'].map((name) => beginRecord(inventory, record(name)))
  expect(inventory.list()).toEqual([])
  await Promise.all(writes)
  expect(inventory.list().map(({ key }) => key)).toEqual([key, 'Volume/default/b', 'Volume/default/c'])
  expect(reopened().list()).toEqual(inventory.list())
})

it('of writes of one key the last one stays', async () => {
  const { inventory, reopened } = openTwice()
  await Promise.all([1, 2, 3].map((incarnation) => beginRecord(inventory, record('a', { incarnation }))))
  expect(inventory.get(key)?.incarnation).toBe(3)
  expect(reopened().get(key)?.incarnation).toBe(3)
})

it('a delete comes after what was written before it in the same turn', async () => {
  const { inventory, reopened } = openTwice()
  await Promise.all([beginRecord(inventory, record('a')), inventory.delete(key)])
  expect(inventory.get(key)).toBeUndefined()
  expect(reopened().get(key)).toBeUndefined()
})

it('where a commit fails, whoever shared it hears so, and nothing of it is there', async () => {
  const { inventory, reopened } = openTwice()
  const unwritable = record('b')
  Object.assign(unwritable, { itself: unwritable })
  const writes = await Promise.allSettled([
    beginRecord(inventory, record('a')),
    beginRecord(inventory, unwritable),
  ])
  expect(writes.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
  expect(inventory.list()).toEqual([])
  await beginRecord(inventory, record('c'))
  expect(reopened().list()).toEqual(inventory.list())
})

it('what was on its way when it was closed is written', async () => {
  const { inventory, reopened } = openTwice()
  const write = beginRecord(inventory, record('a'))
  const next = reopened()
  await write
  expect(next.get(key)).toEqual(record('a'))
})

it('one whose records cannot be read is closed again, so that a person can mend it', () => {
  const directory = temporaryDirectory()
  openSqliteInventory(directory).close()
  const edit = (sql: string) => {
    const database = new DatabaseSync(join(directory, 'inventory.sqlite'))
    database.exec(sql)
    database.close()
  }
  edit(`INSERT INTO orders VALUES ('${key}', 'no JSON')`)
  expect(() => openSqliteInventory(directory)).toThrow()
  edit('DELETE FROM orders')
  openSqliteInventory(directory).close()
})
