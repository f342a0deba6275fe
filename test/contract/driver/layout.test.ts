import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { type FileOperations, systemFileOperations } from '../../../src/driver/file-operations.ts'
import { runDriver, temporaryDirectory } from '../../support/driver.ts'

test('the directories of a new pool are on the disk before anything is promised in them', async () => {
  const directory = await temporaryDirectory()
  const unsynced = new Set<string>()
  const files: FileOperations = {
    ...systemFileOperations,
    async mkdir(path, modeBits) {
      await systemFileOperations.mkdir(path, modeBits)
      unsynced.add(path)
    },
    async sync(path) {
      await systemFileOperations.sync(path)
      for (const made of unsynced) if (dirname(made) === path) unsynced.delete(made)
    },
  }
  const driver = await runDriver(directory.path, { files })
  // What is only passing need not survive.
  const lasting = [...unsynced].filter((path) => dirname(path) !== join(driver.pool, '.mooring/staging'))
  expect(lasting).toEqual([])
  await driver.close()
  await directory.remove()
})
