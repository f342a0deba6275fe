import { readdirSync } from 'node:fs'
import { basename, join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { type FileOperations, systemFileOperations } from '../../../src/driver/file-operations.ts'
import { mountCapability, type RunningDriver, runDriver, temporaryDirectory } from '../../support/driver.ts'

let directory: Awaited<ReturnType<typeof temporaryDirectory>>
let driver: RunningDriver
/** What was synced since the test looked, by the names of the files. */
let synced: string[] = []
/** The operation of a create that fails, counted from 1. 0: none does. */
let failing = 0

const counted = (real: FileOperations): FileOperations => {
  const fail = async () => {
    failing--
    if (failing === 0) throw Object.assign(new Error('EIO: Input/output error'), { code: 'EIO' })
  }
  return {
    ...real,
    mkdir: (...args) => fail().then(() => real.mkdir(...args)),
    createFile: (...args) => fail().then(() => real.createFile(...args)),
    rename: (...args) => fail().then(() => real.rename(...args)),
    async sync(path) {
      synced.push(basename(path))
      await fail()
      await real.sync(path)
    },
  }
}

beforeEach(async () => {
  directory = await temporaryDirectory()
  failing = 0
  driver = await runDriver(directory.path, { files: counted(systemFileOperations) })
  synced = []
})
afterEach(async () => {
  failing = 0
  await driver.close()
  await directory.remove()
})

const create = (name: string) => driver.client.createVolume({ name, volumeCapabilities: [mountCapability] })
const entries = () => readdirSync(join(driver.pool, 'volumes')).sort()

test('a create waits for the log and then for the directory, and a delete for the same two', async () => {
  await create('a')
  expect(synced).toEqual(['metadata.db-wal', 'volumes'])
  synced = []
  await driver.client.deleteVolume({ volumeId: 'a' })
  expect(synced).toEqual(['metadata.db-wal', 'volumes'])
})

test('creates that come at once share their syncs', async () => {
  const names = Array.from({ length: 12 }, (_, index) => `volume-${index}`)
  await Promise.all(names.map(create))
  expect(synced.length).toBeLessThan(2 * names.length)
  expect(entries().filter((entry) => !entry.startsWith('.'))).toEqual(names.sort())
})

test('whichever operation of a create fails, no half-made record stays, and the same call makes the volume', async () => {
  for (let operation = 1; operation <= 6; operation++) {
    const name = `volume-${operation}`
    failing = operation
    const outcome = await create(name).then(
      () => 'made',
      () => 'refused',
    )
    expect({ operation, outcome }).toEqual({ operation, outcome: 'refused' })
    failing = 0
    await vi.waitFor(() => create(name))
    expect(entries().filter((entry) => entry.includes(name))).toEqual([`.${name}.json`, name])
  }
})
