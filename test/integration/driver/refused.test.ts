import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { systemFileOperations } from '../../../src/driver/file-operations.ts'
import { mountCapability, type RunningDriver, runDriver, temporaryDirectory } from '../../support/driver.ts'
import { disturbFiles } from '../../torture/disturbed-files.ts'

let directory: Awaited<ReturnType<typeof temporaryDirectory>>
let driver: RunningDriver
let failed = 0

beforeEach(async () => {
  directory = await temporaryDirectory()
})
afterEach(async () => {
  await driver.close()
  await directory.remove()
})

const disturbed = () =>
  disturbFiles(systemFileOperations, {
    onFailure: () => failed++,
    die: () => {
      throw new Error('nothing is to be killed here')
    },
  })

/** Enough for a record to fail, and to fail again where it is taken back. */
const failuresInARow = 3

const calls = {
  'a group snapshot': () =>
    driver.client.createVolumeGroupSnapshot({ name: 'group', sourceVolumeIds: ['one', 'two'] }),
  'a snapshot': () => driver.client.createSnapshot({ name: 'snapshot', sourceVolumeId: 'one' }),
  'a volume': () => create('volume'),
  'a clone': () =>
    driver.client.createVolume({
      name: 'clone',
      volumeCapabilities: [mountCapability],
      volumeContentSource: { volume: { volumeId: 'one' } },
    }),
} satisfies Record<string, () => Promise<unknown>>

const create = (name: string) =>
  driver.client.createVolume({
    name,
    volumeCapabilities: [mountCapability],
    capacityRange: { requiredBytes: 4096n },
  })

test.each(Object.entries(calls))(
  '%s that the disk refused at any operation is whole or not there after a restart',
  async (_what, call) => {
    driver = await runDriver(directory.path)
    for (const name of ['one', 'two']) await create(name)
    await driver.close()

    for (let operation = 1; ; operation++) {
      const { files, arm } = disturbed()
      driver = await runDriver(directory.path, { files })
      failed = 0
      arm({ kill: undefined, failures: [{ operation, count: failuresInARow, code: 'ENOSPC' }] })
      await call().catch(() => {})
      const wasReached = failed > 0
      arm({ kill: undefined, failures: [] })
      await driver.close()

      driver = await runDriver(directory.path)
      const snapshots = (await driver.client.listAllSnapshots({})).map(({ snapshot }) => snapshot)
      const alone = snapshots.filter((snapshot) => snapshot?.groupSnapshotId === '')
      const at = `operation ${operation}`
      expect(snapshots.length - alone.length, `members of the group, ${at}`).toBeOneOf([0, 2])
      expect(
        alone.map((snapshot) => snapshot?.snapshotId ?? ''),
        at,
      ).toBeOneOf([[], ['snapshot']])
      const seen = (await readdir(join(driver.pool, 'volumes'))).filter((name) => !name.startsWith('.'))
      const listed = (await driver.client.listAllVolumes({})).map(({ volume }) => volume?.volumeId ?? '')
      expect(seen.sort(), at).toEqual(listed.sort())
      await removeAll(snapshots)
      await driver.close()
      if (!wasReached) break
    }
    driver = await runDriver(directory.path)
  },
)

async function removeAll(
  snapshots: readonly ({ snapshotId: string; groupSnapshotId: string } | null | undefined)[],
): Promise<void> {
  const members = snapshots.flatMap((each) => (each && each.groupSnapshotId !== '' ? [each] : []))
  const [first] = members
  if (first !== undefined) {
    await driver.client.deleteVolumeGroupSnapshot({
      groupSnapshotId: first.groupSnapshotId,
      snapshotIds: members.map(({ snapshotId }) => snapshotId),
    })
  }
  // A snapshot whose record was left behind is copied after the restart.
  await vi.waitFor(() => driver.client.deleteSnapshot({ snapshotId: 'snapshot' }))
  for (const volumeId of ['volume', 'clone']) await driver.client.deleteVolume({ volumeId })
}
