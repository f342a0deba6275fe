import { lstat, mkdir, open, readFile, readlink, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { status } from '@grpc/grpc-js'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { PublishMethod } from '../../../src/driver/publish-target.ts'
import {
  mebibyte,
  mountCapability,
  type RunningDriver,
  runDriver,
  temporaryDirectory,
} from '../../support/driver.ts'
import { canMount, hasLoopDevices } from '../../support/machine.ts'

let directory: Awaited<ReturnType<typeof temporaryDirectory>>
let driver: RunningDriver
let targets: string

const blockCapability = { block: {}, accessMode: { mode: 'SINGLE_NODE_WRITER' } } as const
const staging = () => join(targets, 'staging')

async function start(publish: PublishMethod): Promise<void> {
  directory = await temporaryDirectory()
  targets = join(directory.path, 'targets')
  await mkdir(targets)
  driver = await runDriver(directory.path, { publish })
}

/** A volume that is attached and staged. */
async function prepare(volumeId: string, capability: object = mountCapability): Promise<void> {
  await driver.client.createVolume({
    name: volumeId,
    volumeCapabilities: [capability],
    capacityRange: { requiredBytes: mebibyte },
  })
  await driver.client.controllerPublishVolume({ volumeId, nodeId: 'node-1', volumeCapability: capability })
  await driver.client.nodeStageVolume({
    volumeId,
    stagingTargetPath: staging(),
    volumeCapability: capability,
  })
}

const publish = (volumeId: string, target: string, more: object = {}) =>
  driver.client.nodePublishVolume({
    volumeId,
    stagingTargetPath: staging(),
    targetPath: join(targets, target),
    volumeCapability: mountCapability,
    ...more,
  })

const unpublish = (volumeId: string, target: string) =>
  driver.client.nodeUnpublishVolume({ volumeId, targetPath: join(targets, target) })

/** All the way back, so that a test leaves no mount behind. */
async function release(volumeId: string): Promise<void> {
  for (const target of ['a', 'b']) await unpublish(volumeId, target)
  await driver.client.nodeUnstageVolume({ volumeId, stagingTargetPath: staging() })
  await driver.client.controllerUnpublishVolume({ volumeId })
  await driver.client.deleteVolume({ volumeId })
}

const refusal = (code: status, details?: RegExp) =>
  expect.objectContaining({ code, ...(details && { details: expect.stringMatching(details) }) })

describe.each([
  { method: 'symlink' as const, isPossible: true },
  { method: 'bind' as const, isPossible: canMount },
])('published by $method', ({ method, isPossible }) => {
  // Bind mounts take root (CAP_SYS_ADMIN): skipped where this process may not mount.
  describe.skipIf(!isPossible)('', () => {
    beforeEach(() => start(method))
    afterEach(async () => {
      await release('data')
      await driver.close()
      await directory.remove()
    })

    test('a workload sees and changes the volume at its target, as often as it is asked for', async () => {
      await prepare('data')
      await publish('data', 'a')
      await publish('data', 'a')
      await writeFile(join(targets, 'a/file'), 'written')
      expect(await readFile(join(driver.pool, 'volumes/data/file'), 'utf8')).toBe('written')
      await unpublish('data', 'a')
      await unpublish('data', 'a')
      await expect(lstat(join(targets, 'a'))).rejects.toThrow(/ENOENT/)
      expect(await readFile(join(driver.pool, 'volumes/data/file'), 'utf8')).toBe('written')
    })

    test('what is in use is neither deleted nor detached nor unstaged, and the refusal says where', async () => {
      await prepare('data')
      await publish('data', 'a')
      const { client } = driver
      await expect(client.deleteVolume({ volumeId: 'data' })).rejects.toEqual(
        refusal(status.FAILED_PRECONDITION, /in use: published at .*targets\/a/),
      )
      await expect(client.controllerUnpublishVolume({ volumeId: 'data' })).rejects.toEqual(
        refusal(status.FAILED_PRECONDITION, /NodeUnpublishVolume comes first/),
      )
      await expect(
        client.nodeUnstageVolume({ volumeId: 'data', stagingTargetPath: staging() }),
      ).rejects.toEqual(refusal(status.FAILED_PRECONDITION))
      const { status: got } = await client.controllerGetVolume({ volumeId: 'data' })
      expect(got?.publishedNodeIds).toEqual(['node-1'])
    })

    test('a snapshot or clone while somebody may write is refused, unless live: allow asks for it', async () => {
      await prepare('data')
      await publish('data', 'a')
      const { client } = driver
      const take = (name: string, parameters = {}) =>
        client.createSnapshot({ name, sourceVolumeId: 'data', parameters })
      await expect(take('torn')).rejects.toEqual(refusal(status.FAILED_PRECONDITION, /live: allow/))
      expect((await take('accepted', { live: 'allow' })).snapshot?.readyToUse).toBe(true)
      await unpublish('data', 'a')
      expect((await take('quiet')).snapshot?.readyToUse).toBe(true)
    })

    test('after a restart the publication is still known', async () => {
      await prepare('data')
      await publish('data', 'a')
      await driver.close()
      driver = await runDriver(directory.path, { publish: method })
      await expect(driver.client.deleteVolume({ volumeId: 'data' })).rejects.toEqual(
        refusal(status.FAILED_PRECONDITION),
      )
      await publish('data', 'a')
    })

    test('a volume for a single workload has one target', async () => {
      await prepare('data')
      const volumeCapability = { mount: {}, accessMode: { mode: 'SINGLE_NODE_SINGLE_WRITER' } }
      await publish('data', 'a', { volumeCapability })
      await expect(publish('data', 'b', { volumeCapability })).rejects.toEqual(
        refusal(status.FAILED_PRECONDITION, /one workload/),
      )
    })

    test('what is missing, not staged, or in the way is refused', async () => {
      await prepare('data')
      await expect(publish('data', 'a', { volumeCapability: null })).rejects.toEqual(
        refusal(status.INVALID_ARGUMENT),
      )
      await expect(publish('data', 'a', { stagingTargetPath: '/elsewhere' })).rejects.toEqual(
        refusal(status.FAILED_PRECONDITION, /not staged/),
      )
      await expect(publish('data', 'a', { targetPath: 'relative' })).rejects.toEqual(
        refusal(status.INVALID_ARGUMENT, /absolute/),
      )
      const inPool = join(driver.pool, 'volumes/data/nested')
      await expect(publish('data', 'a', { targetPath: inPool })).rejects.toEqual(
        refusal(status.INVALID_ARGUMENT, /lies in the pool/),
      )
      await writeFile(join(targets, 'a'), 'somebody’s file')
      await expect(publish('data', 'a')).rejects.toEqual(refusal(status.FAILED_PRECONDITION, /taken/))
      expect(await readFile(join(targets, 'a'), 'utf8')).toBe('somebody’s file')
    })

    test('usage is counted against the volume’s own capacity', async () => {
      await prepare('data')
      await publish('data', 'a')
      await writeFile(join(targets, 'a/file'), Buffer.alloc(256 * 1024, 1))
      const stats = (volumePath: string) => driver.client.nodeGetVolumeStats({ volumeId: 'data', volumePath })
      const { usage } = await stats(join(targets, 'a'))
      expect(usage[0]).toMatchObject({ unit: 'BYTES', total: mebibyte })
      expect(Number(usage[0]?.used)).toBeGreaterThanOrEqual(256 * 1024)
      await expect(stats('/elsewhere')).rejects.toEqual(refusal(status.NOT_FOUND))
    })
  })
})

test('a link cannot enforce read-only, so such a publication is refused and nothing appears', async () => {
  await start('symlink')
  await prepare('data')
  await expect(publish('data', 'a', { readonly: true })).rejects.toEqual(
    refusal(status.FAILED_PRECONDITION, /read-only/),
  )
  await expect(lstat(join(targets, 'a'))).rejects.toThrow(/ENOENT/)
  await publish('data', 'a')
  expect(await readlink(join(targets, 'a'))).toBe(join(driver.pool, 'volumes/data'))
  const announced = await driver.client.controllerGetCapabilities({})
  expect(announced.capabilities.map(({ rpc }) => rpc?.type)).not.toContain('PUBLISH_READONLY')
  await release('data')
  await driver.close()
  await directory.remove()
})

// Bind mounts take root (CAP_SYS_ADMIN).
test.skipIf(!canMount)('read-only is enforced by the kernel, whoever asked for it', async () => {
  await start('bind')
  await prepare('data')
  await publish('data', 'a', { readonly: true })
  await expect(writeFile(join(targets, 'a/file'), '')).rejects.toThrow(/EROFS/)
  await publish('data', 'b')
  await writeFile(join(targets, 'b/file'), 'through the other one')
  expect(await readFile(join(targets, 'a/file'), 'utf8')).toBe('through the other one')
  await expect(publish('data', 'a')).rejects.toEqual(refusal(status.ALREADY_EXISTS))

  const grant = { volumeId: 'data', nodeId: 'node-1', volumeCapability: mountCapability, readonly: true }
  await expect(driver.client.controllerPublishVolume(grant)).rejects.toEqual(refusal(status.ALREADY_EXISTS))
  await release('data')
  await driver.close()
  await directory.remove()
})

// Bind mounts take root.
test.skipIf(!canMount)(
  'a directory is published without devices and set-uid rights, unless they are asked for',
  async () => {
    await start('bind')
    await prepare('data')
    const optionsAt = async (target: string) =>
      (await readFile('/proc/self/mountinfo', 'utf8'))
        .split('\n')
        .find((line) => line.includes(`/${target} `))
        ?.split(' ')[5]
    await publish('data', 'a')
    expect((await optionsAt('targets/a'))?.split(',')).toEqual(expect.arrayContaining(['nosuid', 'nodev']))
    const volumeCapability = {
      mount: { mountFlags: ['suid', 'dev', 'noexec'] },
      accessMode: { mode: 'SINGLE_NODE_WRITER' },
    }
    await publish('data', 'b', { volumeCapability })
    const asked = (await optionsAt('targets/b'))?.split(',')
    expect(asked).toContain('noexec')
    expect(asked).not.toContain('nosuid')
    expect(asked).not.toContain('nodev')
    await release('data')
    await driver.close()
    await directory.remove()
  },
)

// Loop devices take root and losetup.
test.skipIf(!hasLoopDevices)(
  'a block volume is a device of its capacity, and grows while it is published',
  async () => {
    await start('bind')
    await prepare('data', blockCapability)
    await publish('data', 'a', { volumeCapability: blockCapability })
    const target = join(targets, 'a')
    expect((await stat(target)).isBlockDevice()).toBe(true)
    const sizeBytes = async () => {
      const device = await open(target, 'r')
      const end = await device
        .read(Buffer.alloc(1), 0, 1, 2 * Number(mebibyte) - 1)
        .finally(() => device.close())
      return end.bytesRead === 1 ? 2n * mebibyte : mebibyte
    }
    expect(await sizeBytes()).toBe(mebibyte)
    const expanded = await driver.client.controllerExpandVolume({
      volumeId: 'data',
      capacityRange: { requiredBytes: 2n * mebibyte },
    })
    expect(expanded.nodeExpansionRequired).toBe(true)
    await driver.client.nodeExpandVolume({ volumeId: 'data', volumePath: target })
    expect(await sizeBytes()).toBe(2n * mebibyte)

    await publish('data', 'b', { volumeCapability: blockCapability, readonly: true })
    await expect(
      open(join(targets, 'b'), 'r+').then((file) => file.write('x').finally(() => file.close())),
    ).rejects.toThrow(/EACCES|EPERM|EROFS/)
    await release('data')
    await driver.close()
    await directory.remove()
  },
)

test.each([
  ['no volume', { volumeId: '' }, status.INVALID_ARGUMENT],
  ['no node', { nodeId: '' }, status.INVALID_ARGUMENT],
  ['no capability', { volumeCapability: null }, status.INVALID_ARGUMENT],
  ['a volume that is not there', { volumeId: 'none' }, status.NOT_FOUND],
  ['a node that is not this one', { nodeId: 'node-2' }, status.NOT_FOUND],
])('attaching with %s is refused', async (_title, more, code) => {
  await start('symlink')
  await driver.client.createVolume({ name: 'data', volumeCapabilities: [mountCapability] })
  const request = { volumeId: 'data', nodeId: 'node-1', volumeCapability: mountCapability, ...more }
  await expect(driver.client.controllerPublishVolume(request)).rejects.toEqual(refusal(code))
  await driver.close()
  await directory.remove()
})
