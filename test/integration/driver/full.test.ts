import { mkdir, open, readdir, rm, stat, statfs, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { status } from '@grpc/grpc-js'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { mountCapability, type RunningDriver, runDriver, temporaryDirectory } from '../../support/driver.ts'
import { hasLoopDevices, mountPointsBelow, runQuietly } from '../../support/machine.ts'

let directory: Awaited<ReturnType<typeof temporaryDirectory>>
let driver: RunningDriver
let disk: string

/** A small ext4 of our own, mounted. It takes root, loop devices and mkfs.ext4. */
async function mountSmallDisk(): Promise<void> {
  directory = await temporaryDirectory()
  disk = join(directory.path, 'disk')
  await mkdir(disk)
  const image = join(directory.path, 'image')
  runQuietly('truncate', '--size=16M', image)
  runQuietly('mkfs.ext4', '-q', '-m', '0', image)
  runQuietly('mount', '-o', 'loop', image, disk)
}

/** Takes every byte that is left, to the last block. */
async function fillUp(): Promise<void> {
  for (const chunk of [2 ** 20, 4096, 1]) {
    const file = await open(join(disk, `filler.${chunk}`), 'a')
    try {
      for (;;) await file.appendFile(Buffer.alloc(chunk, 1))
    } catch {
      // ENOSPC: it is full.
    } finally {
      await file.sync().catch(() => undefined)
      await file.close()
    }
  }
  // A directory takes a block, too.
  for (let at = 0; at < 64; at++) await mkdir(join(disk, `filler-directory.${at}`)).catch(() => undefined)
}
const freeBytes = async () => {
  const { bavail, bsize } = await statfs(disk)
  return bavail * bsize
}
const create = (name: string) =>
  driver.client.createVolume({
    name,
    volumeCapabilities: [mountCapability],
    capacityRange: { requiredBytes: 4096n },
  })
const start = async () => {
  // The socket lies on the full disk as well.
  driver = await runDriver(disk)
}
const hasMkfs = (() => {
  try {
    runQuietly('mkfs.ext4', '-V')
    return true
  } catch {
    return false
  }
})()

describe.skipIf(!hasLoopDevices || !hasMkfs)('on a full file system', () => {
  beforeEach(async () => {
    await mountSmallDisk()
    await start()
  })
  afterEach(async () => {
    await driver.close()
    for (const mountPoint of mountPointsBelow(directory.path)) runQuietly('umount', mountPoint)
    await directory.remove()
  })

  test('a create says that it is full, and leaves nothing; a delete works, and gives the room back', async () => {
    for (const name of ['a', 'b', 'empty']) await create(name)
    await writeFile(join(driver.pool, 'volumes/a/file'), Buffer.alloc(2 ** 20, 1))
    await fillUp()
    expect(await freeBytes()).toBe(0)
    for (let attempt = 0; attempt < 3; attempt++) {
      await expect(create('more')).rejects.toMatchObject({
        code: status.RESOURCE_EXHAUSTED,
        details: expect.stringMatching(/file system of the pool is full: delete volumes/),
      })
    }
    await driver.client.deleteVolume({ volumeId: 'empty' })
    await driver.client.deleteVolume({ volumeId: 'a' })
    await vi.waitFor(async () => expect(await freeBytes()).toBeGreaterThan(2 ** 19))
    const { entries } = await driver.client.listVolumes({})
    expect(entries.map((entry) => entry.volume?.volumeId)).toEqual(['b'])
    await create('more')
  })

  test('without any room that was kept, volumes and snapshots are deleted all the same', async () => {
    for (const name of ['a', 'b']) await create(name)
    await writeFile(join(driver.pool, 'volumes/a/file'), Buffer.alloc(2 ** 20, 1))
    await driver.client.createSnapshot({ name: 's', sourceVolumeId: 'a' })
    await rm(join(driver.pool, '.mooring/ballast'), { force: true })
    await fillUp()
    await driver.client.deleteSnapshot({ snapshotId: 's' })
    await driver.client.deleteVolume({ volumeId: 'a' })
    await vi.waitFor(async () => expect(await freeBytes()).toBeGreaterThan(2 ** 20))
    expect(await readdir(join(driver.pool, 'snapshots'))).toEqual([])
  })

  test('a file for that room which a crash left empty is filled again', async () => {
    for (const name of ['a', 'b', 'c']) await create(name)
    await driver.close()
    await writeFile(join(driver.pool, '.mooring/ballast'), '')
    await start()
    expect((await stat(join(driver.pool, '.mooring/ballast'))).size).toBeGreaterThan(2 ** 17)
  })

  test('the driver starts, and deletes', async () => {
    await create('a')
    await writeFile(join(driver.pool, 'volumes/a/file'), Buffer.alloc(2 ** 20, 1))
    await driver.close()
    await fillUp()
    await start()
    await driver.client.deleteVolume({ volumeId: 'a' })
    await vi.waitFor(async () => expect(await freeBytes()).toBeGreaterThan(2 ** 19))
    expect((await driver.client.listVolumes({})).entries).toEqual([])
  })

  test('many volumes are detached and deleted, far more than fit into the room that is kept', async () => {
    const volumeIds = Array.from({ length: 60 }, (_, index) => `volume-${index}`)
    for (const volumeId of volumeIds) {
      await create(volumeId)
      await driver.client.controllerPublishVolume({
        volumeId,
        nodeId: 'node-1',
        volumeCapability: mountCapability,
      })
    }
    await fillUp()
    for (const volumeId of volumeIds) await driver.client.controllerUnpublishVolume({ volumeId })
    for (const volumeId of volumeIds) await driver.client.deleteVolume({ volumeId })
    expect((await driver.client.listVolumes({})).entries).toEqual([])
  })

  test('what a workload used is unpublished, unstaged, detached and deleted', async () => {
    await create('a')
    const staged = { volumeId: 'a', stagingTargetPath: '/staging', volumeCapability: mountCapability }
    const targetPath = join(directory.path, 'target')
    await driver.client.controllerPublishVolume({ ...staged, nodeId: 'node-1' })
    await driver.client.nodeStageVolume(staged)
    await driver.client.nodePublishVolume({ ...staged, targetPath })
    await writeFile(join(targetPath, 'file'), Buffer.alloc(2 ** 20, 1))
    await fillUp()
    await driver.client.nodeUnpublishVolume({ volumeId: 'a', targetPath })
    await driver.client.nodeUnstageVolume(staged)
    await driver.client.controllerUnpublishVolume({ volumeId: 'a' })
    await driver.client.deleteVolume({ volumeId: 'a' })
    await vi.waitFor(async () => expect(await freeBytes()).toBeGreaterThan(2 ** 19))
  })
})
