import { execFile } from 'node:child_process'
import { mkdir, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { status } from '@grpc/grpc-js'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { type Connection, createConnection } from '../../../src/csi/connection.ts'
import { loadContract } from '../../../src/csi/contract.ts'
import type { CreateVolumeRequest } from '../../../src/csi/generated/csi/v1/CreateVolumeRequest.ts'
import {
  listPool,
  mebibyte,
  mountCapability,
  type RunningDriver,
  runDriver,
  temporaryDirectory,
} from '../../support/driver.ts'

let directory: Awaited<ReturnType<typeof temporaryDirectory>>
let driver: RunningDriver
let bare: Connection

beforeEach(async () => {
  directory = await temporaryDirectory()
  driver = await runDriver(directory.path)
  bare = createConnection({
    pluginID: 'driver',
    endpoint: driver.endpoint,
    connectTimeoutMs: 2_000,
    onChange: () => {},
  })
})

afterEach(async () => {
  bare.close()
  await driver.close()
  await directory.remove()
})

const create = (name: string, more: object = {}) =>
  driver.client.createVolume({
    name,
    volumeCapabilities: [mountCapability],
    capacityRange: { requiredBytes: mebibyte },
    ...more,
  })
/** As a caller does it that keeps to no order and asks for no capability. */
const createBare = (request: CreateVolumeRequest) =>
  bare.call('CreateVolume', loadContract().controller.CreateVolume, request, { timeoutMs: 10_000 })
const volumePath = (id: string) => join(driver.pool, 'volumes', id)
const fromSnapshot = (snapshotId: string) => ({ volumeContentSource: { snapshot: { snapshotId } } })
const fromVolume = (volumeId: string) => ({ volumeContentSource: { volume: { volumeId } } })
const listVolumeIDs = async () =>
  (await driver.client.listVolumes({})).entries.map((entry) => entry.volume?.volumeId)

describe('volumes', () => {
  test('a created volume is a directory under its name, with the capacity asked for', async () => {
    const { volume } = await create('postgres-data')
    expect(volume).toMatchObject({ volumeId: 'postgres-data', capacityBytes: mebibyte })
    expect((await stat(volumePath('postgres-data'))).isDirectory()).toBe(true)
    expect(await listVolumeIDs()).toEqual(['postgres-data'])
  })

  test('the same create again gives the same volume, and what is in it stays', async () => {
    await create('data')
    await writeFile(join(volumePath('data'), 'file'), 'kept')
    const { volume } = await create('data')
    expect(volume?.volumeId).toBe('data')
    expect(await readFile(join(volumePath('data'), 'file'), 'utf8')).toBe('kept')
  })

  test('creates of one name at the same time make one volume', async () => {
    const request = { name: 'data', volumeCapabilities: [mountCapability] }
    const answers = await Promise.allSettled(Array.from({ length: 8 }, () => createBare(request)))
    const codes = answers.map((answer) => (answer.status === 'rejected' ? answer.reason.code : status.OK))
    expect(new Set(codes)).toEqual(new Set([status.OK, status.ABORTED]))
    expect((await listPool(driver.pool)).volumes).toEqual(['data'])
  })

  test.each([
    ['another capacity', { capacityRange: { requiredBytes: 2n * mebibyte } }],
    ['other parameters', { parameters: { type: 'fast' } }],
    ['a content source', fromVolume('source')],
  ])('a name that is taken with %s is ALREADY_EXISTS', async (_title, more) => {
    await create('source')
    await create('data')
    await expect(create('data', more)).rejects.toMatchObject({ code: status.ALREADY_EXISTS })
  })

  test.each([
    ['no name', { name: '' }],
    ['a name of more than 128 bytes', { name: 'é'.repeat(65) }],
    ['a control character in the name', { name: 'a\u0007b' }],
    ['no capability', { volumeCapabilities: [] }],
    ['no access mode', { volumeCapabilities: [{ mount: {} }] }],
    ['no access type', { volumeCapabilities: [{ accessMode: { mode: 'SINGLE_NODE_WRITER' } }] }],
    [
      'a file system that the pool is not on',
      {
        volumeCapabilities: [{ ...mountCapability, mount: { fsType: 'zfs9' } }],
      },
    ],
    [
      'a mount flag of no bind mount',
      {
        volumeCapabilities: [{ ...mountCapability, mount: { mountFlags: ['discard'] } }],
      },
    ],
    ['limits that contradict each other', { capacityRange: { requiredBytes: 2n, limitBytes: 1n } }],
    ['a negative capacity', { capacityRange: { requiredBytes: -1n } }],
    ['a word for live that is none', { parameters: { live: 'maybe' }, ...fromVolume('source') }],
  ])('%s is INVALID_ARGUMENT, and nothing is made', async (_title, more) => {
    await create('source')
    await expect(create('data', more)).rejects.toMatchObject({ code: status.INVALID_ARGUMENT })
    expect((await listPool(driver.pool)).volumes).toEqual(['source'])
  })

  test('a parameter that could be changed later is refused where there is none of its name', async () => {
    const request = { name: 'data', volumeCapabilities: [mountCapability], mutableParameters: { iops: '3' } }
    await expect(createBare(request)).rejects.toMatchObject({ code: status.INVALID_ARGUMENT })
  })

  test('more than the pool holds is OUT_OF_RANGE, more than is left RESOURCE_EXHAUSTED', async () => {
    await driver.close()
    driver = await runDriver(directory.path, { poolBytes: Number(3n * mebibyte) })
    const sized = (mebibytes: bigint) => ({ capacityRange: { requiredBytes: mebibytes * mebibyte } })
    await expect(create('big', sized(4n))).rejects.toMatchObject({ code: status.OUT_OF_RANGE })
    await create('one', sized(2n))
    await expect(create('two', sized(2n))).rejects.toMatchObject({ code: status.RESOURCE_EXHAUSTED })
    expect(await driver.client.getCapacity({})).toMatchObject({ availableCapacity: mebibyte })
    await driver.client.deleteVolume({ volumeId: 'one' })
    await create('two', sized(2n))
  })

  test('delete removes the directory and the record, and again is OK', async () => {
    await create('data')
    await writeFile(join(volumePath('data'), 'file'), 'gone')
    await driver.client.deleteVolume({ volumeId: 'data' })
    await driver.client.deleteVolume({ volumeId: 'data' })
    await vi.waitFor(async () => {
      expect(await listPool(driver.pool)).toEqual({
        volumes: [],
        volumeSidecars: [],
        snapshots: [],
        snapshotSidecars: [],
        staging: [],
      })
    })
  })

  test('expand makes the promise bigger, never smaller, and survives a restart', async () => {
    await create('data')
    const expand = (range: object) =>
      driver.client.controllerExpandVolume({ volumeId: 'data', capacityRange: range })
    expect(await expand({ requiredBytes: 5n * mebibyte })).toMatchObject({
      capacityBytes: 5n * mebibyte,
      nodeExpansionRequired: false,
    })
    expect(await expand({ requiredBytes: mebibyte })).toMatchObject({ capacityBytes: 5n * mebibyte })
    await expect(expand({ requiredBytes: mebibyte, limitBytes: mebibyte })).rejects.toMatchObject({
      code: status.OUT_OF_RANGE,
    })
    await driver.close()
    driver = await runDriver(directory.path)
    const got = await driver.client.controllerGetVolume({ volumeId: 'data' })
    expect(got.volume?.capacityBytes).toBe(5n * mebibyte)
  })

  test('a volume whose directory is gone is abnormal, and is never made again blank', async () => {
    await create('data')
    await rm(volumePath('data'), { recursive: true })
    const { entries } = await driver.client.listVolumes({})
    expect(entries[0]?.status?.volumeCondition).toMatchObject({ abnormal: true })
    await expect(create('data')).rejects.toMatchObject({ code: status.DATA_LOSS })
    await driver.client.deleteVolume({ volumeId: 'data' })
    await create('data')
  })

  test('a clone holds what its source holds', async () => {
    await create('source')
    await writeFile(join(volumePath('source'), 'file'), 'bytes')
    const { volume } = await create('copy', fromVolume('source'))
    expect(volume?.contentSource).toMatchObject({ volume: { volumeId: 'source' } })
    expect(await readFile(join(volumePath('copy'), 'file'), 'utf8')).toBe('bytes')
  })

  test('capabilities are confirmed for a volume that can have them, and refused in words for others', async () => {
    await create('data')
    const validate = (capability: object) =>
      driver.client.validateVolumeCapabilities({ volumeId: 'data', volumeCapabilities: [capability] })
    expect((await validate(mountCapability)).confirmed?.volumeCapabilities).toHaveLength(1)
    const refused = await validate({ block: {}, accessMode: { mode: 'SINGLE_NODE_WRITER' } })
    expect(refused).toMatchObject({ confirmed: null, message: 'volume data is a mount volume' })
  })
})

describe('names and IDs', () => {
  test('a name that is no plain file name gets a safe ID, the same one each time', async () => {
    const { volume } = await create('team/db: 主')
    expect(volume?.volumeId).toMatch(/^team-db-[0-9a-f]{10}$/)
    expect((await create('team/db: 主')).volume?.volumeId).toBe(volume?.volumeId)
  })

  test('no name leaves the pool, and no ID reaches out of it', async () => {
    await writeFile(join(directory.path, 'outside'), 'untouched')
    const hostile = fc.oneof(
      fc.constantFrom(
        '..',
        '.',
        '../outside',
        '../../etc',
        '/etc',
        '.mooring',
        'a/../..',
        'x\u0000',
        '-rf',
        '\\..\\',
        '...',
      ),
      fc.string({ unit: 'binary', minLength: 1, maxLength: 40 }),
    )
    await fc.assert(
      fc.asyncProperty(hostile, async (text) => {
        const created = await create(text).catch((error) => error)
        const deleted = await driver.client.deleteVolume({ volumeId: text }).catch((error) => error)
        await driver.client.createSnapshot({ name: text, sourceVolumeId: text }).catch(() => undefined)
        await driver.client.deleteSnapshot({ snapshotId: text }).catch(() => undefined)
        expect([undefined, status.INVALID_ARGUMENT]).toContain(created.code)
        expect([undefined, status.INVALID_ARGUMENT]).toContain(deleted.code)
      }),
      { numRuns: 60 },
    )
    expect((await readdir(directory.path)).sort()).toEqual(['csi.sock', 'outside', 'pool'])
    expect((await readdir(driver.pool)).sort()).toEqual(['.mooring', 'groups', 'snapshots', 'volumes'])
    expect(await readFile(join(directory.path, 'outside'), 'utf8')).toBe('untouched')
  })
})

describe('a directory that somebody put into the pool', () => {
  beforeEach(async () => {
    await mkdir(volumePath('legacy data'))
    await writeFile(join(volumePath('legacy data'), 'file'), 'old')
  })

  test('is listed under its name, snapshotted and restored from', async () => {
    expect(await listVolumeIDs()).toEqual(['legacy data'])
    const { snapshot } = await driver.client.createSnapshot({ name: 's', sourceVolumeId: 'legacy data' })
    expect(snapshot).toMatchObject({ snapshotId: 's', sourceVolumeId: 'legacy data', readyToUse: true })
    await create('restored', fromSnapshot('s'))
    expect(await readFile(join(volumePath('restored'), 'file'), 'utf8')).toBe('old')
  })

  test('a volume made from its snapshot has room for more than is in it, where no size is asked for', async () => {
    const { snapshot } = await driver.client.createSnapshot({ name: 's', sourceVolumeId: 'legacy data' })
    const { volume } = await create('restored', { ...fromSnapshot('s'), capacityRange: null })
    expect(Number(volume?.capacityBytes)).toBeGreaterThan(2 * Number(snapshot?.sizeBytes))
  })

  test('keeps its ID when a volume of the same name is created beside it', async () => {
    await mkdir(volumePath('data'))
    const { volume } = await create('data')
    expect(volume?.volumeId).toMatch(/^data-[0-9a-f]{10}$/)
    expect(await listVolumeIDs()).toEqual(expect.arrayContaining(['data', volume?.volumeId]))
  })

  test('is deleted when that is asked for', async () => {
    await driver.client.deleteVolume({ volumeId: 'legacy data' })
    expect((await listPool(driver.pool)).volumes).toEqual([])
  })

  test('is not listed where it is a file or a symbolic link', async () => {
    await writeFile(volumePath('file'), '')
    await symlink('/', volumePath('root'))
    expect(await listVolumeIDs()).toEqual(['legacy data'])
    await expect(driver.client.controllerGetVolume({ volumeId: 'root' })).rejects.toMatchObject({
      code: status.NOT_FOUND,
    })
  })
})

describe('snapshots', () => {
  const snapshot = (name: string, sourceVolumeId: string, parameters = {}) =>
    driver.client.createSnapshot({ name, sourceVolumeId, parameters })

  test('a snapshot keeps the bytes of its moment, and a volume made from it holds them', async () => {
    await create('data')
    await writeFile(join(volumePath('data'), 'file'), 'before')
    const taken = await snapshot('nightly', 'data')
    await writeFile(join(volumePath('data'), 'file'), 'after')
    expect(taken.snapshot).toMatchObject({ readyToUse: true, sizeBytes: mebibyte, sourceVolumeId: 'data' })
    const { volume } = await create('restored', fromSnapshot('nightly'))
    expect(volume?.contentSource).toMatchObject({ snapshot: { snapshotId: 'nightly' } })
    expect(await readFile(join(volumePath('restored'), 'file'), 'utf8')).toBe('before')
  })

  test('the same name again is the same snapshot; of another volume it is ALREADY_EXISTS', async () => {
    await create('data')
    await create('other')
    const first = await snapshot('nightly', 'data')
    expect(await snapshot('nightly', 'data')).toEqual(first)
    await expect(snapshot('nightly', 'other')).rejects.toMatchObject({ code: status.ALREADY_EXISTS })
  })

  test('a snapshot outlives its volume, and delete is idempotent', async () => {
    await create('data')
    await snapshot('nightly', 'data')
    await driver.client.deleteVolume({ volumeId: 'data' })
    await create('restored', fromSnapshot('nightly'))
    await driver.client.deleteSnapshot({ snapshotId: 'nightly' })
    await driver.client.deleteSnapshot({ snapshotId: 'nightly' })
    expect((await driver.client.listSnapshots({})).entries).toEqual([])
  })

  test('a volume smaller than its snapshot is OUT_OF_RANGE; one without a size gets the snapshot’s', async () => {
    await create('data', { capacityRange: { requiredBytes: 4n * mebibyte } })
    await snapshot('nightly', 'data')
    const limited = { ...fromSnapshot('nightly'), capacityRange: { limitBytes: mebibyte } }
    await expect(create('small', limited)).rejects.toMatchObject({ code: status.OUT_OF_RANGE })
    const { volume } = await create('same', { ...fromSnapshot('nightly'), capacityRange: null })
    expect(volume?.capacityBytes).toBe(4n * mebibyte)
  })

  test('holes stay holes', async () => {
    await create('data')
    await promisify(execFile)('truncate', ['--size=64M', join(volumePath('data'), 'sparse')])
    await snapshot('nightly', 'data')
    await create('restored', { ...fromSnapshot('nightly'), capacityRange: null })
    const restored = await stat(join(volumePath('restored'), 'sparse'))
    expect(restored.size).toBe(64 * 2 ** 20)
    expect(restored.blocks).toBe(0)
  })

  test.each([
    ['no name', { name: '', sourceVolumeId: 'data' }, status.INVALID_ARGUMENT],
    ['no volume', { name: 's', sourceVolumeId: '' }, status.INVALID_ARGUMENT],
    ['a volume that is not there', { name: 's', sourceVolumeId: 'other' }, status.NOT_FOUND],
  ])('%s is refused', async (_title, request, code) => {
    await create('data')
    await expect(driver.client.createSnapshot(request)).rejects.toMatchObject({ code })
  })

  test('a volume from a snapshot or volume that is not there is NOT_FOUND', async () => {
    await expect(create('data', fromSnapshot('none'))).rejects.toMatchObject({ code: status.NOT_FOUND })
    await expect(create('data', fromVolume('none'))).rejects.toMatchObject({ code: status.NOT_FOUND })
  })

  test('lists filter by volume and by snapshot', async () => {
    for (const id of ['one', 'two']) {
      await create(id)
      await snapshot(`s-${id}`, id)
    }
    const ids = async (request: object) =>
      (await driver.client.listSnapshots(request)).entries.map((entry) => entry.snapshot?.snapshotId)
    expect(await ids({})).toEqual(['s-one', 's-two'])
    expect(await ids({ sourceVolumeId: 'one' })).toEqual(['s-one'])
    expect(await ids({ snapshotId: 's-two' })).toEqual(['s-two'])
    expect(await ids({ snapshotId: 'none' })).toEqual([])
  })
})

describe('pages', () => {
  test('what comes and goes between two pages neither repeats nor hides anything else', async () => {
    for (const name of ['b', 'd', 'f', 'h']) await create(name)
    const first = await driver.client.listVolumes({ maxEntries: 2 })
    await driver.client.deleteVolume({ volumeId: 'd' })
    await create('a')
    await create('e')
    const second = await driver.client.listVolumes({ startingToken: first.nextToken })
    expect(first.entries.map((entry) => entry.volume?.volumeId)).toEqual(['b', 'd'])
    expect(second.entries.map((entry) => entry.volume?.volumeId)).toEqual(['e', 'f', 'h'])
    expect(second.nextToken).toBe('')
  })

  test('a token that is none of ours is ABORTED, a negative size INVALID_ARGUMENT', async () => {
    await expect(driver.client.listVolumes({ startingToken: 'none' })).rejects.toMatchObject({
      code: status.ABORTED,
    })
    await expect(driver.client.listSnapshots({ maxEntries: -1 })).rejects.toMatchObject({
      code: status.INVALID_ARGUMENT,
    })
  })
})

describe('identity and node', () => {
  test('the driver says who it is and that it is ready', async () => {
    expect(await driver.client.getPluginInfo({})).toMatchObject({ name: 'directories.mooring.dev' })
    expect(await driver.client.probe({})).toMatchObject({ ready: { value: true } })
    expect(await driver.client.nodeGetInfo({})).toMatchObject({ nodeId: 'node-1' })
  })

  test('topology is announced only where there is one, and then decides', async () => {
    const services = async () =>
      (await driver.client.getPluginCapabilities({})).capabilities.map(({ service }) => service?.type)
    expect(await services()).not.toContain('VOLUME_ACCESSIBILITY_CONSTRAINTS')
    await driver.close()
    driver = await runDriver(directory.path, { topology: { rack: 'r1' } })
    expect(await services()).toContain('VOLUME_ACCESSIBILITY_CONSTRAINTS')
    const at = (rack: string) => ({ accessibilityRequirements: { requisite: [{ segments: { rack } }] } })
    const { volume } = await create('data', at('r1'))
    expect(volume?.accessibleTopology).toEqual([{ segments: { rack: 'r1' } }])
    await expect(create('far', at('r2'))).rejects.toMatchObject({ code: status.RESOURCE_EXHAUSTED })
  })
})
