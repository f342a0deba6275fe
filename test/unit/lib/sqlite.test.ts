import { globSync, readFileSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { expect, it, onTestFinished } from 'vitest'
import { transaction } from '../../../src/lib/sqlite.ts'

function openWithTable(): DatabaseSync {
  const database = new DatabaseSync(':memory:')
  onTestFinished(() => database.close())
  database.exec('CREATE TABLE texts (text TEXT NOT NULL)')
  return database
}

it('a full disk is told as it is, although SQLite ends the transaction itself', () => {
  const database = openWithTable()
  database.exec('PRAGMA max_page_count = 2')
  const insert = database.prepare('INSERT INTO texts VALUES (?)')
  const write = () => transaction(database, () => insert.run('x'.repeat(1_000_000)))
  expect(write).toThrow(/database or disk is full/)
  // The next one begins with a transaction of its own, and hears the same.
  expect(write).toThrow(/database or disk is full/)
  database.exec('PRAGMA max_page_count = 4000')
  write()
  expect(database.prepare('SELECT count(*) AS count FROM texts').get()).toEqual({ count: 1 })
})

it('a transaction that throws leaves nothing behind', () => {
  const database = openWithTable()
  const fail = () =>
    transaction(database, () => {
      database.exec("INSERT INTO texts VALUES ('x')")
      throw new Error('no')
    })
  expect(fail).toThrow('no')
  expect(database.prepare('SELECT count(*) AS count FROM texts').get()).toEqual({ count: 0 })
})

it('nobody else rolls back by hand', () => {
  const files = globSync('src/**/*.ts').filter((file) => readFileSync(file, 'utf8').includes("'ROLLBACK'"))
  expect(files).toEqual(['src/lib/sqlite.ts'])
})
