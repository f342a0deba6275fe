import { readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { status } from '@grpc/grpc-js'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { systemFileOperations } from '../../../src/driver/file-operations.ts'
import { quickClock } from '../../helpers/quick-clock.ts'
import {
  mebibyte,
  mountCapability,
  type RunningDriver,
  runDriver,
  temporaryDirectory,
} from '../../support/driver.ts'
import { disturbFiles } from '../../torture/disturbed-files.ts'

let directory: Awaited<ReturnType<typeof temporaryDirectory>>
let driver: RunningDriver

const poolBytes = 16 * 2 ** 20

beforeEach(async () => {
  directory = await temporaryDirectory()
  driver = await runDriver(directory.path, { poolBytes })
  for (const name of ['data', 'log']) {
    await create(name)
    await writeFile(join(driver.pool, 'volumes', name, 'file'), `of ${name}`)
  }
})

afterEach(async () => {
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
const take = async (name = 'nightly', sourceVolumeIds = ['log', 'data'], more: object = {}) => {
  const { groupSnapshot } = await driver.client.createVolumeGroupSnapshot({ name, sourceVolumeIds, ...more })
  if (groupSnapshot === null) throw new Error('a group snapshot is required')
  return groupSnapshot
}
const remove = (groupSnapshotId: string, snapshotIds: string[]) =>
  driver.client.deleteVolumeGroupSnapshot({ groupSnapshotId, snapshotIds })
const idsOf = ({ snapshots }: Awaited<ReturnType<typeof take>>) =>
  snapshots.map(({ snapshotId }) => snapshotId)
const refused = (code: status, details?: RegExp) =>
  expect.objectContaining({ code, ...(details && { details: expect.stringMatching(details) }) })
const available = async () => (await driver.client.getCapacity({})).availableCapacity
const publishWritable = async (volumeId: string) => {
  const staged = { volumeId, stagingTargetPath: '/staging/of/nobody', volumeCapability: mountCapability }
  await driver.client.nodeStageVolume(staged)
  await driver.client.nodePublishVolume({ ...staged, targetPath: join(directory.path, 'target') })
}
const unpublish = (volumeId: string) =>
  driver.client.nodeUnpublishVolume({ volumeId, targetPath: join(directory.path, 'target') })
/** What the pool holds of snapshots and groups, records and data, without what is being freed. */
const remains = async () => [
  ...(await readdir(join(driver.pool, 'snapshots'))),
  ...(await readdir(join(driver.pool, 'groups'))),
]

describe('group snapshots', () => {
  test('a group has a snapshot of each volume, all of one moment, and each restores alone', async () => {
    const group = await take()
    expect(group).toMatchObject({ groupSnapshotId: 'nightly', readyToUse: true })
    expect(group.snapshots).toMatchObject([
      {
        sourceVolumeId: 'data',
        readyToUse: true,
        groupSnapshotId: 'nightly',
        creationTime: group.creationTime,
      },
      {
        sourceVolumeId: 'log',
        readyToUse: true,
        groupSnapshotId: 'nightly',
        creationTime: group.creationTime,
      },
    ])
    const [snapshotId = ''] = idsOf(group)
    await create('restored', { volumeContentSource: { snapshot: { snapshotId } } })
    expect(await readFile(join(driver.pool, 'volumes', 'restored', 'file'), 'utf8')).toBe('of data')
    const { entries } = await driver.client.listSnapshots({})
    expect(entries.map(({ snapshot }) => snapshot?.groupSnapshotId)).toEqual(['nightly', 'nightly'])
  })

  test('the same name again is the same group; of other volumes or parameters it is refused', async () => {
    const group = await take()
    expect(await take('nightly', ['data', 'log'])).toEqual(group)
    await expect(take('nightly', ['data'])).rejects.toEqual(refused(status.ALREADY_EXISTS, /data, log/))
    await expect(take('nightly', ['data', 'log'], { parameters: { a: 'b' } })).rejects.toEqual(
      refused(status.ALREADY_EXISTS, /parameters/),
    )
    const read = await driver.client.getVolumeGroupSnapshot({ groupSnapshotId: 'nightly' })
    expect(read.groupSnapshot).toEqual(group)
  })

  test('a group is deleted as a whole, by its own call, with its own snapshots', async () => {
    const before = await available()
    const group = await take()
    const [first = '', second = ''] = idsOf(group)
    await expect(driver.client.deleteSnapshot({ snapshotId: first })).rejects.toEqual(
      refused(status.INVALID_ARGUMENT, /DeleteVolumeGroupSnapshot/),
    )
    for (const ids of [[], [first], [first, first], [first, second, 'other']]) {
      await expect(remove('nightly', ids)).rejects.toEqual(refused(status.INVALID_ARGUMENT, /snapshot_ids/))
    }
    await expect(
      driver.client.getVolumeGroupSnapshot({ groupSnapshotId: 'nightly', snapshotIds: ['other'] }),
    ).rejects.toEqual(refused(status.INVALID_ARGUMENT))
    await remove('nightly', [second, first])
    await remove('nightly', [second, first])
    await expect(driver.client.getVolumeGroupSnapshot({ groupSnapshotId: 'nightly' })).rejects.toEqual(
      refused(status.NOT_FOUND),
    )
    expect([await remains(), await available()]).toEqual([[], before])
  })

  test.each<[string, string[], object, status]>([
    ['no volume', [], {}, status.INVALID_ARGUMENT],
    ['a volume twice', ['data', 'data'], {}, status.INVALID_ARGUMENT],
    ['a volume that is not there', ['data', 'missing'], {}, status.NOT_FOUND],
    ['a live copy', ['data'], { parameters: { live: 'allow' } }, status.INVALID_ARGUMENT],
  ])('%s is refused, and leaves nothing', async (_title, volumeIDs, more, code) => {
    await expect(take('nightly', volumeIDs, more)).rejects.toEqual(refused(code))
    expect(await remains()).toEqual([])
  })

  test('while a workload may write to one volume of it there is no group, whatever the volume allows', async () => {
    await driver.client.controllerModifyVolume({ volumeId: 'log', mutableParameters: { live: 'allow' } })
    await publishWritable('log')
    await expect(take()).rejects.toEqual(refused(status.FAILED_PRECONDITION, /log is published writable/))
    expect(await remains()).toEqual([])
    await unpublish('log')
    await take()
  })

  test('without room for all of its snapshots there is none of them', async () => {
    await writeFile(join(driver.pool, 'volumes', 'log', 'big'), Buffer.alloc(15 * 2 ** 20, 1))
    await expect(take()).rejects.toEqual(refused(status.RESOURCE_EXHAUSTED))
    expect(await remains()).toEqual([])
  })

  test('a lost database gives the group back from the files beside it', async () => {
    const group = await take()
    await driver.close()
    await rm(join(driver.pool, '.mooring', 'metadata.db'))
    driver = await runDriver(directory.path)
    expect(await take()).toEqual(group)
    await remove('nightly', idsOf(group))
    expect(await remains()).toEqual([])
  })

  test('a snapshot whose group is lost stands alone, and while the file of the group is damaged nothing is decided', async () => {
    const [snapshotId = ''] = idsOf(await take())
    await driver.close()
    await rm(join(driver.pool, '.mooring', 'metadata.db'))
    await writeFile(join(driver.pool, 'groups', '.nightly.json'), 'garbage')
    driver = await runDriver(directory.path)
    await expect(driver.client.deleteSnapshot({ snapshotId })).rejects.toEqual(
      refused(status.INVALID_ARGUMENT),
    )
    await expect(take()).rejects.toEqual(refused(status.FAILED_PRECONDITION, /groups\/\.nightly\.json/))
    await driver.close()
    await rm(join(driver.pool, 'groups', '.nightly.json'))
    driver = await runDriver(directory.path)
    const read = await driver.client.getSnapshot({ snapshotId })
    expect(read.snapshot?.groupSnapshotId).toBe('')
    await driver.client.deleteSnapshot({ snapshotId })
  })

  test('whatever operation fails, there is all of a group or nothing, now and after a restart', async () => {
    const before = await available()
    let failed = true
    for (let operation = 1; failed; operation++) {
      failed = false
      const onFailure = () => {
        failed = true
      }
      const disturbed = disturbFiles(systemFileOperations, { onFailure, die: () => {} })
      await driver.close()
      // As a restart it finishes what the operation before has left.
      driver = await runDriver(directory.path, {
        files: disturbed.files,
        publish: 'symlink',
        poolBytes,
        clock: quickClock(20),
        snapshotWaitMs: 600_000,
      })
      expect([await remains(), await available()]).toEqual([[], before])
      disturbed.arm({ kill: undefined, failures: [{ operation, count: 1, code: 'EIO' }] })
      const taken = await take(`take-${operation}`).catch(() => undefined)
      disturbed.arm({ kill: undefined, failures: [] })
      const { entries } = await driver.client.listSnapshots({})
      expect(entries).toHaveLength(taken === undefined ? 0 : 2)
      if (taken !== undefined) await remove(taken.groupSnapshotId, idsOf(taken))
    }
  })
})

describe('modifying a volume', () => {
  const modify = (mutableParameters: Record<string, string>, volumeId = 'data') =>
    driver.client.controllerModifyVolume({ volumeId, mutableParameters })
  const snapshot = (parameters: Record<string, string> = {}) =>
    driver.client.createSnapshot({ name: 'now', sourceVolumeId: 'data', parameters })

  test('live: allow lets copies of it be live, until it is refused again; a copy that says otherwise has its way', async () => {
    await publishWritable('data')
    await expect(snapshot()).rejects.toEqual(refused(status.FAILED_PRECONDITION))
    await modify({ live: 'allow' })
    await modify({ live: 'allow' })
    await expect(snapshot({ live: 'refuse' })).rejects.toEqual(refused(status.FAILED_PRECONDITION))
    await snapshot()
    await create('clone', { volumeContentSource: { volume: { volumeId: 'data' } } })
    await driver.client.deleteSnapshot({ snapshotId: 'now' })
    await modify({ live: 'refuse' })
    await expect(snapshot()).rejects.toEqual(refused(status.FAILED_PRECONDITION))
    await unpublish('data')
  })

  test('survives a restart', async () => {
    await modify({ live: 'allow' })
    await driver.close()
    driver = await runDriver(directory.path)
    await publishWritable('data')
    await snapshot()
    await unpublish('data')
  })

  test.each<[string, Record<string, string>, string, status]>([
    ['a parameter that there is not', { live: 'allow', iops: '3' }, 'data', status.INVALID_ARGUMENT],
    ['a name that every object has', { constructor: 'x' }, 'data', status.INVALID_ARGUMENT],
    ['a value that there is not', { live: 'perhaps' }, 'data', status.INVALID_ARGUMENT],
    ['a volume that there is not', { live: 'allow' }, 'missing', status.NOT_FOUND],
    ['no volume', { live: 'allow' }, '', status.INVALID_ARGUMENT],
  ])('%s is refused, and nothing of the call is applied', async (_title, parameters, volumeID, code) => {
    await expect(modify(parameters, volumeID)).rejects.toEqual(refused(code))
    await publishWritable('data')
    await expect(snapshot()).rejects.toEqual(refused(status.FAILED_PRECONDITION))
    await unpublish('data')
  })

  test('what a create says is held to by the next create of the name, and comes before its parameters', async () => {
    const allowing = { mutableParameters: { live: 'allow' } }
    await create('third', allowing)
    await create('third', allowing)
    await create('third')
    await expect(create('third', { mutableParameters: { live: 'refuse' } })).rejects.toEqual(
      refused(status.ALREADY_EXISTS, /mutable_parameters/),
    )
    await publishWritable('data')
    const clone = { volumeContentSource: { volume: { volumeId: 'data' } }, parameters: { live: 'allow' } }
    await expect(create('clone', { ...clone, mutableParameters: { live: 'refuse' } })).rejects.toEqual(
      refused(status.FAILED_PRECONDITION),
    )
    await create('clone', clone)
    await unpublish('data')
  })
})
