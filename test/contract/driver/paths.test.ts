import { spawn } from 'node:child_process'
import { lstat, mkdir, readdir, readFile, rename, symlink, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { status } from '@grpc/grpc-js'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import {
  mebibyte,
  mountCapability,
  type RunningDriver,
  runDriver,
  temporaryDirectory,
} from '../../support/driver.ts'
import { canMount, hasLoopDevices, mountPointsBelow, runQuietly } from '../../support/machine.ts'

let directory: Awaited<ReturnType<typeof temporaryDirectory>>
let driver: RunningDriver
let targets: string

const staging = '/staging/of/nobody'
const refusal = (code: status, details?: RegExp) =>
  expect.objectContaining({ code, ...(details && { details: expect.stringMatching(details) }) })
const inUse = refusal(status.FAILED_PRECONDITION)

async function prepare(volumeId: string, capability: object = mountCapability): Promise<void> {
  await driver.client.createVolume({
    name: volumeId,
    volumeCapabilities: [capability],
    capacityRange: { requiredBytes: mebibyte },
  })
  await driver.client.nodeStageVolume({
    volumeId,
    stagingTargetPath: staging,
    volumeCapability: capability,
  })
}
const publish = (volumeId: string, targetPath: string, more: object = {}) =>
  driver.client.nodePublishVolume({
    volumeId,
    stagingTargetPath: staging,
    targetPath,
    volumeCapability: mountCapability,
    ...more,
  })
const unpublish = (volumeId: string, targetPath: string) =>
  driver.client.nodeUnpublishVolume({ volumeId, targetPath })
const unstage = (volumeId: string) =>
  driver.client.nodeUnstageVolume({ volumeId, stagingTargetPath: `${staging}/` })
const remove = (volumeId: string) => driver.client.deleteVolume({ volumeId })

// Bind mounts take root (CAP_SYS_ADMIN): skipped where this process may not mount.
describe.skipIf(!canMount)('paths are what they are, not how they are spelled', () => {
  beforeEach(async () => {
    directory = await temporaryDirectory()
    targets = join(directory.path, 'targets')
    await mkdir(targets)
    await symlink(targets, join(directory.path, 'link'))
    driver = await runDriver(directory.path, { publish: 'bind' })
  })
  afterEach(async () => {
    for (const mountPoint of mountPointsBelow(directory.path)) runQuietly('umount', mountPoint)
    await driver.close()
    await directory.remove()
  })

  test.each([
    ['with a trailing slash', (target: string) => `${target}/`],
    ['with doubled slashes', (target: string) => target.replaceAll('/', '//')],
    ['by a symbolic link', (target: string) => join(targets, '../link', basename(target))],
    ['with dots', (target: string) => `${targets}/./x/../${basename(target)}`],
  ])(
    'a target spelled %s is published, kept from a delete, and unpublished by its plain name',
    async (_title, spell) => {
      await mkdir(join(targets, 'x'))
      await prepare('data')
      const target = join(targets, 'a')
      await publish('data', spell(target))
      await writeFile(join(target, 'file'), 'kept')
      await publish('data', target)
      await expect(remove('data')).rejects.toEqual(inUse)
      await driver.client.nodeGetVolumeStats({ volumeId: 'data', volumePath: spell(target) })
      await unpublish('data', target)
      expect(mountPointsBelow(directory.path)).toEqual([])
      await publish('data', target)
      await unpublish('data', spell(target))
      expect(mountPointsBelow(directory.path)).toEqual([])
      await expect(lstat(target)).rejects.toThrow(/ENOENT/)
      await unstage('data')
      await remove('data')
    },
  )

  test('a target whose directory was renamed is still in use', async () => {
    await prepare('data')
    await mkdir(join(targets, 'one'))
    await publish('data', join(targets, 'one/a'))
    await rename(join(targets, 'one'), join(targets, 'two'))
    await unpublish('data', join(targets, 'one/a'))
    await unstage('data')
    await expect(remove('data')).rejects.toEqual(
      refusal(status.FAILED_PRECONDITION, /mounted at .*targets\/two\/a/),
    )
    runQuietly('umount', join(targets, 'two/a'))
    await remove('data')
  })

  test('a mount that only another mount namespace has keeps its volume from a delete', async () => {
    await prepare('data')
    await unstage('data')
    // A child of a child: the namespaces of the driver's own children do not count.
    const inside = 'mount --bind "$0" "$1" && echo mounted && exec sleep 60'
    const holder = spawn(
      'sh',
      [
        '-c',
        'unshare --mount sh -c "$0" "$1" "$2"; true',
        inside,
        join(driver.pool, 'volumes/data'),
        targets,
      ],
      { stdio: ['ignore', 'pipe', 'inherit'], detached: true },
    )
    await new Promise((resolve) => holder.stdout.once('data', resolve))
    await expect(remove('data')).rejects.toEqual(
      refusal(status.FAILED_PRECONDITION, /targets in the mount namespace of process \d+/),
    )
    process.kill(-Number(holder.pid), 'SIGKILL')
    await vi.waitFor(() => remove('data'))
  })

  test('a target that holds another mount is refused, and that mount stays', async () => {
    await prepare('data')
    const target = join(targets, 'a')
    await mkdir(target)
    runQuietly('mount', '-t', 'tmpfs', 'tmpfs', target)
    await writeFile(join(target, 'file'), 'somebody’s')
    await expect(publish('data', target)).rejects.toEqual(
      refusal(status.FAILED_PRECONDITION, /a mount of something else/),
    )
    await unpublish('data', target)
    expect(await readFile(join(target, 'file'), 'utf8')).toBe('somebody’s')
  })

  test('what was mounted over a publication is not unmounted with it', async () => {
    await prepare('data')
    const target = join(targets, 'a')
    await publish('data', target)
    runQuietly('mount', '-t', 'tmpfs', 'tmpfs', target)
    await expect(unpublish('data', target)).rejects.toEqual(
      refusal(status.FAILED_PRECONDITION, /mounted over/),
    )
    await expect(publish('data', target)).rejects.toEqual(inUse)
    runQuietly('umount', target)
    await unpublish('data', target)
    expect(mountPointsBelow(directory.path)).toEqual([])
  })

  test('a target in the pool, around it, or in it by another name is refused', async () => {
    await prepare('data')
    await prepare('other')
    await publish('other', join(targets, 'other'))
    for (const path of [
      join(driver.pool, 'volumes/data/x'),
      join(driver.pool, '.mooring/x'),
      driver.pool,
      `${driver.pool}//`,
      directory.path,
      join(targets, 'other/x'),
    ]) {
      await expect(publish('data', path)).rejects.toEqual(refusal(status.INVALID_ARGUMENT, /the pool/))
    }
    expect(mountPointsBelow(directory.path)).toEqual([join(targets, 'other')])
  })

  test('a volume with a foreign mount in it or over it is listed abnormal, and not deleted', async () => {
    await prepare('data')
    await unstage('data')
    const volume = join(driver.pool, 'volumes/data')
    await mkdir(join(volume, 'nested'))
    for (const [at, word] of [
      [join(volume, 'nested'), 'nested'],
      [volume, 'data'],
    ] as const) {
      runQuietly('mount', '-t', 'tmpfs', 'tmpfs', at)
      await writeFile(join(at, 'file'), 'somebody’s')
      await expect(remove('data')).rejects.toEqual(
        refusal(status.FAILED_PRECONDITION, new RegExp(`covered by a mount of tmpfs at .*${word}`)),
      )
      const { entries } = await driver.client.listVolumes({})
      expect(entries[0]?.status?.volumeCondition).toMatchObject({
        abnormal: true,
        message: expect.stringContaining(`tmpfs at ${at}`),
      })
      expect(await readFile(join(at, 'file'), 'utf8')).toBe('somebody’s')
      runQuietly('umount', at)
    }
    await remove('data')
    expect(await readdir(join(driver.pool, 'volumes'))).toEqual([])
  })

  test('a volume that something covers is neither copied nor published', async () => {
    await prepare('data')
    runQuietly('mount', '-t', 'tmpfs', 'tmpfs', join(driver.pool, 'volumes/data'))
    const covered = refusal(status.FAILED_PRECONDITION, /covered by a mount of tmpfs/)
    await expect(publish('data', join(targets, 'a'))).rejects.toEqual(covered)
    await expect(driver.client.createSnapshot({ name: 's', sourceVolumeId: 'data' })).rejects.toEqual(covered)
    const clone = {
      name: 'copy',
      volumeCapabilities: [mountCapability],
      volumeContentSource: { volume: { volumeId: 'data' } },
    }
    await expect(driver.client.createVolume(clone)).rejects.toEqual(covered)
  })

  test.skipIf(!hasLoopDevices)('a block volume whose loop device lives is not deleted', async () => {
    const block = { block: {}, accessMode: { mode: 'SINGLE_NODE_WRITER' } }
    await prepare('data', block)
    await unstage('data')
    const device = runQuietly('losetup', '--find', '--show', join(driver.pool, 'volumes/data')).trim()
    await expect(remove('data')).rejects.toEqual(
      refusal(status.FAILED_PRECONDITION, new RegExp(`shown by the loop device ${device}`)),
    )
    runQuietly('losetup', '--detach', device)
    await vi.waitFor(() => remove('data'))
  })
})

// Links need no rights.
test('a link at a target that leads elsewhere is neither taken for a publication nor removed', async () => {
  directory = await temporaryDirectory()
  targets = join(directory.path, 'targets')
  await mkdir(targets)
  driver = await runDriver(directory.path, { publish: 'symlink' })
  await prepare('data')
  const target = join(targets, 'a')
  await publish('data', `${target}/`)
  expect((await lstat(target)).isSymbolicLink()).toBe(true)
  await unpublish('data', target)
  await expect(lstat(target)).rejects.toThrow(/ENOENT/)
  await publish('data', target)
  await rename(target, join(targets, 'moved'))
  await symlink(directory.path, target)
  await unpublish('data', target)
  expect((await lstat(target)).isSymbolicLink()).toBe(true)
  await driver.close()
  await directory.remove()
})
