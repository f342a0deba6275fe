import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { mountCapability, type RunningDriver, runDriver, temporaryDirectory } from '../../support/driver.ts'

let directory: Awaited<ReturnType<typeof temporaryDirectory>>
let driver: RunningDriver
let workload: ChildProcess | undefined

beforeEach(async () => {
  directory = await temporaryDirectory()
  // By links, so that nothing holds a volume back from its deletion.
  driver = await runDriver(directory.path, { publish: 'symlink' })
})

afterEach(async () => {
  workload?.kill('SIGKILL')
  await driver.close()
  await directory.remove()
})

const rounds = 4
const folders = 3
const filesInEach = 60
const outside = () => join(directory.path, 'outside')
const bigBytes = 8 * 2 ** 20

/** Swaps each folder of its volume for a link to the outside and back, for ever, wherever the volume goes. */
const swap = `
const fs = require('node:fs')
const attempt = (step) => { try { step() } catch {} }
for (;;) for (let folder = 0; folder < ${folders}; folder++) {
  attempt(() => fs.renameSync('folder-' + folder, 'aside'))
  attempt(() => fs.symlinkSync(process.argv[1], 'folder-' + folder))
  attempt(() => fs.unlinkSync('folder-' + folder))
  attempt(() => fs.renameSync('aside', 'folder-' + folder))
}`

async function makeVolume(name: string): Promise<void> {
  await driver.client.createVolume({
    name,
    volumeCapabilities: [mountCapability],
    capacityRange: { requiredBytes: 2n ** 20n },
    mutableParameters: { live: 'allow' },
  })
  for (let folder = 0; folder < folders; folder++) {
    const path = join(driver.pool, 'volumes', name, `folder-${folder}`)
    await mkdir(path)
    for (let file = 0; file < filesInEach; file++) await writeFile(join(path, `${file}`), 'of the workload')
  }
  // It holds its volume by its own working directory, as a process in a container does.
  workload = spawn(process.execPath, ['-e', swap, outside()], {
    cwd: join(driver.pool, 'volumes', name),
    stdio: 'ignore',
  })
  await once(workload, 'spawn')
}

/** All files below a directory, with their content; a link is none. */
async function readFiles(path: string): Promise<string[]> {
  const entries = await readdir(path, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile())
  return Promise.all(
    files.map(async ({ parentPath, name }) => (await readFile(join(parentPath, name))).toString()),
  )
}

test('a workload that swaps folders for links gets nothing of the outside read, copied, changed or removed', async () => {
  await mkdir(outside())
  for (let file = 0; file < filesInEach; file++) {
    await writeFile(join(outside(), `${file}`), 'of somebody else')
  }
  await writeFile(join(outside(), 'big'), Buffer.alloc(bigBytes, 1))
  const { client } = driver
  const place = { stagingTargetPath: '/staging/of/nobody', volumeCapability: mountCapability }

  for (let round = 0; round < rounds; round++) {
    const source = `source-${round}`
    await makeVolume(source)
    await client.nodeStageVolume({ volumeId: source, ...place })
    // Copies that a folder vanishes from may fail; what they make must be the workload's own.
    await Promise.allSettled([
      client.createSnapshot({ name: `snapshot-${round}`, sourceVolumeId: source }),
      client.createVolume({
        name: `clone-${round}`,
        volumeCapabilities: [mountCapability],
        volumeContentSource: { volume: { volumeId: source } },
      }),
    ])
    const stats = await client
      .nodeGetVolumeStats({ volumeId: source, volumePath: place.stagingTargetPath })
      .catch(() => undefined)
    for (const { used } of stats?.usage ?? []) expect(Number(used)).toBeLessThan(bigBytes)
    await client.nodeUnstageVolume({ volumeId: source, ...place })
    await client.deleteVolume({ volumeId: source })
    await client
      .createVolume({
        name: `restored-${round}`,
        volumeCapabilities: [mountCapability],
        volumeContentSource: { snapshot: { snapshotId: `snapshot-${round}` } },
      })
      .catch(() => undefined)
    workload?.kill('SIGKILL')

    for (const kind of ['volumes', 'snapshots']) {
      for (const id of (await readdir(join(driver.pool, kind))).filter((entry) => !entry.startsWith('.'))) {
        expect(new Set(await readFiles(join(driver.pool, kind, id)))).not.toContain('of somebody else')
      }
    }
  }
  expect(await readdir(outside())).toHaveLength(filesInEach + 1)
  expect(new Set(await readFiles(outside())).size).toBe(2)
})
