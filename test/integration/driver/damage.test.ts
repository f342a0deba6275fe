import {
  chmod,
  chown,
  copyFile,
  mkdir,
  readdir,
  readFile,
  rm,
  rmdir,
  stat,
  writeFile,
} from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { status } from '@grpc/grpc-js'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { mountCapability, runDriver, spawnDriver, temporaryDirectory } from '../../support/driver.ts'
import { canMount, mountPointsBelow, runQuietly } from '../../support/machine.ts'

let directory: Awaited<ReturnType<typeof temporaryDirectory>>
let pool: string

beforeEach(async () => {
  directory = await temporaryDirectory()
  pool = join(directory.path, 'pool')
})
afterEach(async () => {
  for (const mountPoint of mountPointsBelow(directory.path)) runQuietly('umount', mountPoint)
  await directory.remove()
})

const volume = (name: string, requiredBytes = 4096n) => ({
  name,
  volumeCapabilities: [mountCapability],
  capacityRange: { requiredBytes },
})
const database = () => join(pool, '.mooring/metadata.db')
const sidecar = (id: string) => join(pool, `volumes/.${id}.json`)
const start = () => runDriver(directory.path)
const refusal = (code: status, details?: RegExp) =>
  expect.objectContaining({ code, ...(details && { details: expect.stringMatching(details) }) })
const inDoubt = refusal(status.FAILED_PRECONDITION, /volumes\/\.data\.json .*Repair/)

/** A pool with the volume `data`, whose driver has ended; and what the database was before its last change. */
async function layOut(): Promise<void> {
  const driver = await start()
  await driver.client.createVolume(volume('data'))
  await writeFile(join(pool, 'volumes/data/file'), 'bytes')
  await driver.close()
}
const changeRow = (sql: string) => {
  const opened = new DatabaseSync(database())
  opened.exec(sql)
  opened.close()
}
const conditionOf = async (client: Awaited<ReturnType<typeof start>>['client'], id: string) =>
  (await client.listVolumes({})).entries.find((entry) => entry.volume?.volumeId === id)?.status
    ?.volumeCondition

describe('of two copies of a record the newer one counts', () => {
  test('the write-ahead log is lost: the record beside the volume is not overwritten by an older row', async () => {
    await layOut()
    await copyFile(database(), join(directory.path, 'older.db'))
    let driver = await start()
    await driver.client.controllerExpandVolume({ volumeId: 'data', capacityRange: { requiredBytes: 8192n } })
    await driver.client.controllerPublishVolume({
      volumeId: 'data',
      nodeId: 'node-1',
      volumeCapability: mountCapability,
    })
    await driver.close()
    await copyFile(join(directory.path, 'older.db'), database())

    for (let round = 0; round < 2; round++) {
      driver = await start()
      const got = await driver.client.controllerGetVolume({ volumeId: 'data' })
      expect(got.volume?.capacityBytes).toBe(8192n)
      expect(got.status?.publishedNodeIds).toEqual(['node-1'])
      await expect(driver.client.deleteVolume({ volumeId: 'data' })).rejects.toEqual(
        refusal(status.FAILED_PRECONDITION),
      )
      await driver.close()
      // The second time by the row, which was brought up to date.
      await rm(sidecar('data'))
    }
  })

  test('a volume that an older row brings back after its deletion is not made again blank', async () => {
    await layOut()
    await copyFile(database(), join(directory.path, 'older.db'))
    let driver = await start()
    await driver.client.deleteVolume({ volumeId: 'data' })
    await driver.close()
    await copyFile(join(directory.path, 'older.db'), database())
    driver = await start()
    await expect(driver.client.createVolume(volume('data'))).rejects.toEqual(refusal(status.DATA_LOSS))
    await driver.client.deleteVolume({ volumeId: 'data' })
    await driver.client.createVolume(volume('data'))
    await driver.close()
  })

  test('a record beside a volume that is damaged is written again from its row', async () => {
    await layOut()
    const good = await readFile(sidecar('data'), 'utf8')
    await writeFile(sidecar('data'), good.slice(0, 10))
    const driver = await start()
    expect((await driver.client.createVolume(volume('data'))).volume?.volumeId).toBe('data')
    await driver.close()
    expect(await readFile(sidecar('data'), 'utf8')).toBe(good)
  })
})

describe('a record that cannot be read anywhere', () => {
  test('keeps its volume from a delete, and its name from a new one, and costs nothing else', async () => {
    await layOut()
    await writeFile(sidecar('data'), '\0'.repeat(400))
    await rm(join(pool, '.mooring'), { recursive: true })
    const driver = await start()
    const { client } = driver
    await expect(client.deleteVolume({ volumeId: 'data' })).rejects.toEqual(inDoubt)
    await expect(client.createVolume(volume('data'))).rejects.toEqual(
      refusal(status.FAILED_PRECONDITION, /\.data\.json/),
    )
    await expect(client.createSnapshot({ name: 's', sourceVolumeId: 'data' })).rejects.toEqual(inDoubt)
    expect(await conditionOf(client, 'data')).toMatchObject({
      abnormal: true,
      message: expect.stringContaining('.data.json'),
    })
    await client.createVolume(volume('other'))
    await client.deleteVolume({ volumeId: 'other' })
    expect(await readFile(join(pool, 'volumes/data/file'), 'utf8')).toBe('bytes')

    await rm(sidecar('data'))
    expect(await conditionOf(client, 'data')).toMatchObject({ abnormal: false })
    await client.deleteVolume({ volumeId: 'data' })
    await driver.close()
  })

  test('a damaged row whose file beside is lost gets a file that can be repaired', async () => {
    await layOut()
    const good = await readFile(sidecar('data'), 'utf8')
    changeRow("UPDATE volumes SET record = '{nonsense'")
    await rm(sidecar('data'))
    const driver = await start()
    await expect(driver.client.deleteVolume({ volumeId: 'data' })).rejects.toEqual(inDoubt)
    expect(await readFile(sidecar('data'), 'utf8')).toBe('{nonsense')
    await writeFile(sidecar('data'), good)
    expect((await driver.client.createVolume(volume('data'))).volume?.volumeId).toBe('data')
    await driver.close()
  })

  test.each([
    ['a damaged row', () => changeRow("UPDATE volumes SET record = '[]'")],
    [
      'a record that is a directory',
      async () => {
        await rm(sidecar('data'))
        await mkdir(sidecar('data'))
      },
    ],
    ['a record that others may write', () => chmod(sidecar('data'), 0o666)],
  ])('%s beside a good copy costs nothing', async (_title, damage) => {
    await layOut()
    await damage()
    const driver = await start()
    expect(await conditionOf(driver.client, 'data')).toMatchObject({ abnormal: false })
    await driver.client.createVolume(volume('other'))
    await driver.close()
  })

  test('a change that a directory in the place of a record keeps from being recorded says so', async () => {
    await layOut()
    await rm(sidecar('data'))
    await mkdir(sidecar('data'))
    const driver = await start()
    const expand = () =>
      driver.client.controllerExpandVolume({ volumeId: 'data', capacityRange: { requiredBytes: 8192n } })
    await expect(expand()).rejects.toThrow(/\.data\.json is a directory: move it away/)
    await rmdir(sidecar('data'))
    expect((await expand()).capacityBytes).toBe(8192n)
    await driver.close()
  })
})

describe('a bad thing costs itself', () => {
  test('a deletion that cannot be finished stops no start: its volume is abnormal, the rest is served', async () => {
    await layOut()
    changeRow(
      `UPDATE volumes SET record = json_set(record, '$.state', 'deleting', '$.generation', ${2 ** 50})`,
    )
    // A directory takes no rename from a pool whose volumes may not be changed; as root a mount does the same.
    if (canMount) runQuietly('mount', '-t', 'tmpfs', 'tmpfs', join(pool, 'volumes/data'))
    else await chmod(join(pool, 'volumes'), 0o555)
    const driver = await start()
    expect(await conditionOf(driver.client, 'data')).toMatchObject({ abnormal: true })
    if (canMount) {
      await driver.client.createVolume(volume('other'))
      runQuietly('umount', join(pool, 'volumes/data'))
    } else {
      await chmod(join(pool, 'volumes'), 0o755)
    }
    await driver.client.deleteVolume({ volumeId: 'data' })
    expect(await conditionOf(driver.client, 'data')).toBeUndefined()
    await driver.close()
  })

  // Mounts take root.
  test.skipIf(!canMount)(
    'what is mounted in the leftovers of a deletion stays, and stops no start',
    async () => {
      await layOut()
      const left = join(pool, '.mooring/staging/0badcafe/deleted.1')
      await mkdir(join(left, 'nested'), { recursive: true })
      runQuietly('mount', '-t', 'tmpfs', 'tmpfs', join(left, 'nested'))
      await writeFile(join(left, 'nested/file'), 'somebody’s')
      const driver = await start()
      await driver.client.createVolume(volume('other'))
      expect(await readFile(join(left, 'nested/file'), 'utf8')).toBe('somebody’s')
      runQuietly('umount', join(left, 'nested'))
      await driver.close()
      const again = await start()
      await vi.waitFor(() => expect(stat(left)).rejects.toThrow(/ENOENT/))
      await again.close()
    },
  )

  test('a snapshot whose data is gone is not ready, and not restored from', async () => {
    await layOut()
    const driver = await start()
    const { client } = driver
    await client.createSnapshot({ name: 's', sourceVolumeId: 'data' })
    await rm(join(pool, 'snapshots/s'), { recursive: true })
    const { entries } = await client.listSnapshots({})
    expect(entries).toMatchObject([{ snapshot: { snapshotId: 's', readyToUse: false } }])
    await expect(client.createSnapshot({ name: 's', sourceVolumeId: 'data' })).rejects.toEqual(
      refusal(status.DATA_LOSS, /snapshots\/s/),
    )
    const restore = { ...volume('new'), volumeContentSource: { snapshot: { snapshotId: 's' } } }
    await expect(client.createVolume(restore)).rejects.toEqual(refusal(status.DATA_LOSS))
    await client.deleteSnapshot({ snapshotId: 's' })
    await driver.close()
  })
})

// A pool of another user's: root can do that, and run the driver as that user.
test.skipIf(!canMount)('an ordinary user frees directories that it may not write', async () => {
  await chown(directory.path, 65534, 65534)
  const driver = await spawnDriver(directory.path, { user: 65534 })
  await driver.client.createVolume(volume('data'))
  const inner = join(pool, 'volumes/data/inner')
  runQuietly(
    'setpriv',
    '--reuid=65534',
    '--regid=65534',
    '--clear-groups',
    'sh',
    '-c',
    `mkdir -p ${inner}/deep && touch ${inner}/deep/file && chmod 0500 ${inner}/deep && chmod 0 ${inner}`,
  )
  await driver.client.deleteVolume({ volumeId: 'data' })
  await vi.waitFor(async () => {
    const staging = join(pool, '.mooring/staging')
    const left = await Promise.all((await readdir(staging)).map((run) => readdir(join(staging, run))))
    expect(left.flat()).toEqual([])
  })
  await driver.close()
})

describe('a start that cannot be is one sentence, with the path and the remedy', () => {
  // Mounts take root, whom no mode keeps from writing.
  test.skipIf(!canMount)('a pool on a read-only file system', async () => {
    await layOut()
    runQuietly('mount', '--bind', pool, pool)
    runQuietly('mount', '-o', 'remount,bind,ro', pool)
    await expect(start()).rejects.toThrow(
      /^the pool .*\/pool cannot be used: its file system is read-only: mount it writable/,
    )
  })

  test('a pool that is a file', async () => {
    await writeFile(pool, '')
    await expect(start()).rejects.toThrow(
      /^the pool .*\/pool cannot be used: a part of the path is no directory/,
    )
  })

  test.each([
    ['the pool itself', ''],
    ['its volumes', 'volumes'],
    ['its staging', '.mooring/staging'],
    ['its database', '.mooring/metadata.db'],
  ])('others may write to %s', async (_title, path) => {
    await layOut()
    await chmod(join(pool, path), path.endsWith('.db') ? 0o666 : 0o777)
    await expect(start()).rejects.toThrow(/ may be written by others .* chmod go-w/)
  })

  test('others may write to the directory of the socket', async () => {
    await chmod(directory.path, 0o777)
    await expect(start()).rejects.toThrow(/may be written by others .* another path/)
  })
})
