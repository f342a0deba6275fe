import { status } from '@grpc/grpc-js'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { type FileOperations, systemFileOperations } from '../../../src/driver/file-operations.ts'
import { ToolError } from '../../../src/driver/run-tool.ts'
import { quickClock } from '../../helpers/quick-clock.ts'
import { mountCapability, type RunningDriver, runDriver, temporaryDirectory } from '../../support/driver.ts'

let directory: Awaited<ReturnType<typeof temporaryDirectory>>
let driver: RunningDriver
let isBroken = false
let copies = 0

/** A disk that takes nothing while it is broken, and that breaks with the first copy. */
const files: FileOperations = {
  ...systemFileOperations,
  async run(tool, args, signal) {
    if (!args.includes('--no-target-directory')) return systemFileOperations.run(tool, args, signal)
    copies++
    isBroken = true
    throw new ToolError('cp: Input/output error')
  },
  transact(database, work) {
    if (isBroken) throw new Error('disk I/O error')
    systemFileOperations.transact(database, work)
  },
}

beforeEach(async () => {
  directory = await temporaryDirectory()
  isBroken = false
  copies = 0
  driver = await runDriver(directory.path, { files, clock: quickClock(20), publish: 'symlink' })
})

afterEach(async () => {
  await driver.close()
  await directory.remove()
})

test('a copy whose failure cannot be recorded holds its volume until it is: no other volume is copied in its place', async () => {
  const { client } = driver
  await client.createVolume({ name: 'data', volumeCapabilities: [mountCapability] })
  await client.createSnapshot({ name: 'snapshot', sourceVolumeId: 'data' }).catch(() => undefined)
  expect(copies).toBe(1)
  await expect(client.deleteVolume({ volumeId: 'data' })).rejects.toMatchObject({ code: status.ABORTED })

  isBroken = false
  await vi.waitFor(() => client.deleteVolume({ volumeId: 'data' }))
  const { entries } = await client.listSnapshots({})
  expect(entries.map(({ snapshot }) => snapshot?.readyToUse)).toEqual([false])
  await client.deleteSnapshot({ snapshotId: 'snapshot' })
})
