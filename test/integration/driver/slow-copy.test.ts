import { chmod, mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { status } from '@grpc/grpc-js'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { listPool, mountCapability, spawnDriver, temporaryDirectory } from '../../support/driver.ts'

/**
 * A big copy, without the bytes: the driver finds a `cp` of ours first, which copies half a file, says so,
 * and goes on when it is let.
 */
const slowCopy = `#!/bin/sh
for last; do :; done
mkdir -p "$last" && echo half > "$last/half-made"
touch "$GATE_DIRECTORY/began.$$"
while [ ! -e "$GATE_DIRECTORY/open" ]; do sleep 0.02; done
rm -rf "$last"
PATH="$REAL_PATH" exec cp "$@"
`

let directory: Awaited<ReturnType<typeof temporaryDirectory>>
let driver: Awaited<ReturnType<typeof spawnDriver>>
let gate: string

beforeEach(async () => {
  directory = await temporaryDirectory()
  gate = join(directory.path, 'gate')
  await mkdir(join(gate, 'bin'), { recursive: true })
  await writeFile(join(gate, 'bin/cp'), slowCopy)
  await chmod(join(gate, 'bin/cp'), 0o755)
  driver = await start()
  await driver.client.createVolume({ name: 'data', volumeCapabilities: [mountCapability] })
  await writeFile(join(driver.pool, 'volumes/data/file'), 'bytes')
})

afterEach(async () => {
  await openGate()
  await driver.close()
  await directory.remove()
})

const start = () =>
  spawnDriver(directory.path, {
    environment: {
      PATH: `${gate}/bin:${process.env.PATH}`,
      REAL_PATH: process.env.PATH ?? '',
      GATE_DIRECTORY: gate,
    },
  })
const openGate = () => writeFile(join(gate, 'open'), '')
const copies = async () => (await readdir(gate)).filter((entry) => entry.startsWith('began')).length
const take = () => driver.client.createSnapshot({ name: 'nightly', sourceVolumeId: 'data' })
const isReady = async () => (await take()).snapshot?.readyToUse

test('a long copy is answered as not ready, blocks no other call, and keeps writers and deletes away', async () => {
  const { client } = driver
  expect((await take()).snapshot).toMatchObject({ snapshotId: 'nightly', readyToUse: false })
  expect(await isReady()).toBe(false)
  expect((await listPool(driver.pool)).snapshots).toEqual([])
  const listed = await client.listSnapshots({})
  expect(listed.entries).toMatchObject([{ snapshot: { snapshotId: 'nightly', readyToUse: false } }])

  await client.createVolume({ name: 'other', volumeCapabilities: [mountCapability] })
  await client.deleteVolume({ volumeId: 'other' })
  const restore = client.createVolume({
    name: 'restored',
    volumeCapabilities: [mountCapability],
    volumeContentSource: { snapshot: { snapshotId: 'nightly' } },
  })
  const busy = { code: status.ABORTED }
  await expect(restore).rejects.toMatchObject(busy)
  await expect(client.deleteVolume({ volumeId: 'data' })).rejects.toMatchObject(busy)
  await expect(client.deleteSnapshot({ snapshotId: 'nightly' })).rejects.toMatchObject(busy)
  const staged = { volumeId: 'data', stagingTargetPath: '/staging', volumeCapability: mountCapability }
  await client.nodeStageVolume(staged)
  const publish = () => client.nodePublishVolume({ ...staged, targetPath: join(directory.path, 'target') })
  await expect(publish()).rejects.toMatchObject(busy)

  await openGate()
  await vi.waitFor(async () => expect(await isReady()).toBe(true))
  // The copy lets go of the volume a moment after it is done; ABORTED asks to come again.
  await vi.waitFor(publish)
  await client.nodeUnpublishVolume({ volumeId: 'data', targetPath: join(directory.path, 'target') })
})

test('killed in the middle of a copy, the driver takes it up again: the same snapshot, whole', async () => {
  const before = (await take()).snapshot
  expect(await copies()).toBe(1)
  await driver.kill()
  driver = await start()
  await vi.waitFor(async () => expect(await copies()).toBe(2))
  await openGate()
  await vi.waitFor(async () => expect(await isReady()).toBe(true))
  expect((await take()).snapshot).toMatchObject({ creationTime: before?.creationTime })
  expect(await readdir(join(driver.pool, 'snapshots/nightly'))).toEqual(['file'])
  expect(await readFile(join(driver.pool, 'snapshots/nightly/file'), 'utf8')).toBe('bytes')
  await vi.waitFor(async () => expect((await listPool(driver.pool)).staging).toEqual([]))
})

test('killed in the middle of a clone, nothing of it is left; the replay makes it', async () => {
  const clone = () =>
    driver.client.createVolume({
      name: 'copy',
      volumeCapabilities: [mountCapability],
      volumeContentSource: { volume: { volumeId: 'data' } },
    })
  const lost = clone().catch((error) => error)
  await vi.waitFor(async () => expect(await copies()).toBe(1))
  await driver.kill()
  expect(await lost).toMatchObject({ errorClass: 'may-be-running' })
  driver = await start()
  expect((await driver.client.listVolumes({})).entries).toHaveLength(1)
  await openGate()
  expect((await clone()).volume?.volumeId).toBe('copy')
  expect(await readdir(join(driver.pool, 'volumes/copy'))).toEqual(['file'])
  await vi.waitFor(async () => expect((await listPool(driver.pool)).staging).toEqual([]))
})

test('a copy that fails is an error while its caller waits, and the next call tries again', async () => {
  const { client } = driver
  await openGate()
  await writeFile(join(gate, 'bin/cp'), '#!/bin/sh\necho "cp: No space left on device" >&2; exit 1\n')
  await expect(take()).rejects.toMatchObject({ code: status.RESOURCE_EXHAUSTED })
  expect((await client.listSnapshots({})).entries).toEqual([])
  await writeFile(join(gate, 'bin/cp'), slowCopy)
  expect(await isReady()).toBe(true)
})

test('a copy that fails behind its answer is told of, and ends with the snapshot', async () => {
  expect(await isReady()).toBe(false)
  const [began] = (await readdir(gate)).filter((entry) => entry.startsWith('began'))
  process.kill(Number(began?.split('.')[1]), 'SIGKILL')
  await vi.waitFor(() => expect(take()).rejects.toMatchObject({ code: status.INTERNAL }))
  await expect(take()).rejects.toThrow(/Delete the snapshot, and take another/)
  // The record says so a moment before the copy lets go of the snapshot.
  await vi.waitFor(() => driver.client.deleteSnapshot({ snapshotId: 'nightly' }))
  await openGate()
  expect(await isReady()).toBe(true)
  await vi.waitFor(async () => expect((await listPool(driver.pool)).staging).toEqual([]))
})
