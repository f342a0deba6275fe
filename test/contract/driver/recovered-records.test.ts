import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { type FileOperations, systemFileOperations } from '../../../src/driver/file-operations.ts'
import { mountCapability, runDriver, temporaryDirectory } from '../../support/driver.ts'

test('records that only the files beside the volumes had are on the disk again before the first answer', async () => {
  const directory = await temporaryDirectory()
  const first = await runDriver(directory.path, { publish: 'symlink' })
  await first.client.createVolume({ name: 'data', volumeCapabilities: [mountCapability] })
  await first.close()
  await rm(join(first.pool, '.mooring', 'metadata.db'))

  const done: string[] = []
  const files: FileOperations = {
    ...systemFileOperations,
    async sync(path) {
      await systemFileOperations.sync(path)
      done.push(`sync ${path.slice(first.pool.length)}`)
    },
    transact(database, work) {
      systemFileOperations.transact(database, work)
      done.push('write')
    },
  }
  const second = await runDriver(directory.path, { publish: 'symlink', files })
  expect(done).toContain('write')
  expect(done.lastIndexOf('sync /.mooring/metadata.db-wal')).toBeGreaterThan(done.lastIndexOf('write'))
  await second.close()
  await directory.remove()
})
