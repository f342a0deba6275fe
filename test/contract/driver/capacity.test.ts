import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { status } from '@grpc/grpc-js'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import {
  mebibyte,
  mountCapability,
  type RunningDriver,
  runDriver,
  temporaryDirectory,
} from '../../support/driver.ts'
import { hasLoopDevices } from '../../support/machine.ts'

let directory: Awaited<ReturnType<typeof temporaryDirectory>>
let driver: RunningDriver

beforeEach(async () => {
  directory = await temporaryDirectory()
  driver = await runDriver(directory.path, { poolBytes: Number(10n * mebibyte) })
})
afterEach(async () => {
  await driver.close()
  await directory.remove()
})

const create = (name: string, capability: object = mountCapability, requiredBytes = mebibyte) =>
  driver.client.createVolume({
    name,
    volumeCapabilities: [capability],
    capacityRange: { requiredBytes },
  })
const availableBytes = async () => (await driver.client.getCapacity({})).availableCapacity
const refused = (answers: readonly PromiseSettledResult<unknown>[]) =>
  answers.flatMap((answer) => (answer.status === 'rejected' ? [answer.reason.code] : []))

// Loop devices take root and losetup.
test.skipIf(!hasLoopDevices)(
  'block volumes that grow at the same time do not get the same bytes',
  async () => {
    const block = { block: {}, accessMode: { mode: 'SINGLE_NODE_WRITER' } }
    const names = ['a', 'b', 'c']
    for (const name of names) await create(name, block)
    const answers = await Promise.allSettled(
      names.map((volumeId) =>
        driver.client.controllerExpandVolume({ volumeId, capacityRange: { requiredBytes: 7n * mebibyte } }),
      ),
    )
    expect(refused(answers)).toEqual([status.RESOURCE_EXHAUSTED, status.RESOURCE_EXHAUSTED])
    expect(await availableBytes()).toBe(mebibyte)
  },
)

test('creates at the same time do not get the same bytes', async () => {
  const answers = await Promise.allSettled(
    ['a', 'b', 'c'].map((name) => create(name, mountCapability, 6n * mebibyte)),
  )
  expect(refused(answers)).toEqual([status.RESOURCE_EXHAUSTED, status.RESOURCE_EXHAUSTED])
  expect(await availableBytes()).toBe(4n * mebibyte)
})

test('a snapshot that the pool has no room for is refused before it is copied, and leaves nothing', async () => {
  await create('data', mountCapability, 6n * mebibyte)
  const data = join(driver.pool, 'volumes/data')
  await writeFile(join(data, 'file'), Buffer.alloc(5 * 2 ** 20, 1))
  await expect(driver.client.createSnapshot({ name: 's', sourceVolumeId: 'data' })).rejects.toMatchObject({
    code: status.RESOURCE_EXHAUSTED,
  })
  expect((await driver.client.listSnapshots({})).entries).toEqual([])
  expect(await availableBytes()).toBe(4n * mebibyte)
})

test('snapshots at the same time are held to the capacity, and give it back when they are deleted', async () => {
  await create('data')
  const data = join(driver.pool, 'volumes/data')
  await mkdir(join(data, 'nested'))
  await writeFile(join(data, 'nested/file'), Buffer.alloc(2 * 2 ** 20, 1))
  const names = ['s1', 's2', 's3', 's4', 's5', 's6']
  const answers = await Promise.allSettled(
    names.map((name) => driver.client.createSnapshot({ name, sourceVolumeId: 'data' })),
  )
  expect(refused(answers)).toEqual([status.RESOURCE_EXHAUSTED, status.RESOURCE_EXHAUSTED])
  expect(await availableBytes()).toBeLessThan(2n * mebibyte)
  const before = await availableBytes()
  await driver.close()
  driver = await runDriver(directory.path, { poolBytes: Number(10n * mebibyte) })
  expect(await availableBytes()).toBe(before)
  for (const snapshotId of names) await vi.waitFor(() => driver.client.deleteSnapshot({ snapshotId }))
  expect(await availableBytes()).toBe(9n * mebibyte)
})
