import { readFile, rm, stat, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { status } from '@grpc/grpc-js'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { mountCapability, runDriver, spawnDriver, temporaryDirectory } from '../../support/driver.ts'

let directory: Awaited<ReturnType<typeof temporaryDirectory>>

beforeEach(async () => {
  directory = await temporaryDirectory()
})
afterEach(() => directory.remove())

const volume = (name: string) => ({ name, volumeCapabilities: [mountCapability] })

test('the socket that a killed driver left behind is taken over', async () => {
  const killed = await spawnDriver(directory.path)
  await killed.kill()
  expect((await stat(join(directory.path, 'csi.sock'))).isSocket()).toBe(true)
  const driver = await runDriver(directory.path)
  await driver.client.probe({})
  await driver.close()
})

test('a socket that is answered is not taken, nor a path that is no socket or too long', async () => {
  const path = join(directory.path, 'csi.sock')
  const other: Server = createServer()
  await new Promise<void>((resolve) => other.listen(path, resolve))
  await expect(runDriver(directory.path)).rejects.toThrow(/another process is listening/)
  await new Promise((resolve) => other.close(resolve))
  await writeFile(path, 'a file')
  await expect(runDriver(directory.path)).rejects.toThrow(/is no socket/)
  const long = `unix://${directory.path}/${'x'.repeat(120)}`
  await expect(runDriver(directory.path, { endpoint: long })).rejects.toThrow(/longer than 107 bytes/)
})

test('a second driver on one pool is refused by name', async () => {
  const driver = await runDriver(directory.path)
  await expect(runDriver(directory.path, { endpoint: `unix://${directory.path}/b` })).rejects.toThrow(
    /in use by another mooring process; .*--pool/,
  )
  await driver.close()
})

test('a driver that stops while a client is connected stops soon, and its socket is gone', async () => {
  const driver = await spawnDriver(directory.path)
  driver.process.kill('SIGTERM')
  await vi.waitFor(() => expect(driver.process.exitCode).toBe(0), { timeout: 9_000 })
  await expect(stat(join(directory.path, 'csi.sock'))).rejects.toThrow(/ENOENT/)
  driver.client.close()
})

test('a lost database is made again from the sidecars, with names, sizes and sources (csi-driver-host-path#251)', async () => {
  let driver = await runDriver(directory.path)
  await driver.client.createVolume({ ...volume('name of/data'), capacityRange: { requiredBytes: 4096n } })
  await driver.client.createVolume(volume('other'))
  await driver.client.createSnapshot({ name: 'nightly', sourceVolumeId: 'other' })
  const before = [await driver.client.listVolumes({}), await driver.client.listSnapshots({})]
  await driver.close()
  await rm(join(directory.path, 'pool/.mooring'), { recursive: true })

  driver = await runDriver(directory.path)
  expect([await driver.client.listVolumes({}), await driver.client.listSnapshots({})]).toEqual(before)
  const again = await driver.client.createVolume({
    ...volume('name of/data'),
    capacityRange: { requiredBytes: 4096n },
  })
  expect(again.volume?.volumeId).toMatch(/^name-of-data-/)
  expect((await driver.client.listVolumes({})).entries).toHaveLength(2)
  await driver.close()
})

test('a damaged database is named, with what to do', async () => {
  const driver = await runDriver(directory.path)
  await driver.close()
  await writeFile(join(directory.path, 'pool/.mooring/metadata.db'), 'x'.repeat(8192))
  await expect(runDriver(directory.path)).rejects.toThrow(/metadata\.db is damaged.*move it away/)
})

test('while a sidecar is unreadable and its record unknown, nothing is created; repaired, its name holds', async () => {
  let driver = await runDriver(directory.path)
  await driver.client.createVolume(volume('data'))
  await driver.close()
  const sidecar = join(directory.path, 'pool/volumes/.data.json')
  const good = await readFile(sidecar, 'utf8')
  await writeFile(sidecar, good.slice(0, 20))
  await rm(join(directory.path, 'pool/.mooring'), { recursive: true })

  driver = await runDriver(directory.path)
  await expect(driver.client.createVolume(volume('data'))).rejects.toMatchObject({
    code: status.FAILED_PRECONDITION,
    details: expect.stringContaining('/pool/volumes/.data.json'),
  })
  await expect(driver.client.createSnapshot({ name: 's', sourceVolumeId: 'data' })).rejects.toMatchObject({
    code: status.FAILED_PRECONDITION,
  })
  await writeFile(sidecar, good)
  expect((await driver.client.createVolume(volume('data'))).volume?.volumeId).toBe('data')
  expect((await driver.client.listVolumes({})).entries).toHaveLength(1)
  await driver.close()
})

test('killed between the rename of a copy and its record, the driver keeps the copy', async () => {
  let driver = await runDriver(directory.path)
  await driver.client.createVolume(volume('data'))
  await writeFile(join(directory.path, 'pool/volumes/data/file'), 'before')
  const taken = await driver.client.createSnapshot({ name: 'nightly', sourceVolumeId: 'data' })
  await driver.close()
  await writeFile(join(directory.path, 'pool/volumes/data/file'), 'after')
  const database = new DatabaseSync(join(directory.path, 'pool/.mooring/metadata.db'))
  database.exec(`UPDATE snapshots SET record = json_set(record, '$.state', 'copying', '$.usedBytes', 0)`)
  database.close()

  driver = await runDriver(directory.path)
  await vi.waitFor(async () => {
    const again = await driver.client.createSnapshot({ name: 'nightly', sourceVolumeId: 'data' })
    expect(again).toEqual(taken)
  })
  expect(await readFile(join(directory.path, 'pool/snapshots/nightly/file'), 'utf8')).toBe('before')
  await driver.close()
})
