import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { connectAdmin } from '../../../src/operator/admin/admin-client.ts'
import { operatorDirectory } from '../../../src/operator/operator-directory.ts'
import { snapshotYAML, volumeYAML } from '../../helpers/declarations-yaml.ts'
import { runMooring } from '../../helpers/run-mooring.ts'
import { startUp, workplace } from '../../helpers/start-up.ts'

/** `mooring up` with a volume that holds a file, the commands that ask it, and its own API. */
async function start() {
  const place = workplace()
  const { dataDirectory } = place
  place.write('data.yaml', volumeYAML('data', { secrets: '{}' }))
  const mooring = await startUp(place.folder, dataDirectory)
  await mooring.status('Volume/default/data', 'ready')
  const admin = await connectAdmin(operatorDirectory(dataDirectory))
  if (admin === undefined) throw new Error('no operator answers')
  onTestFinished(() => admin.close())
  return {
    ...place,
    mooring,
    admin,
    run: (...parameters: string[]) => runMooring([...parameters, '--data-dir', dataDirectory]),
    fileOf: (externalID: string) => join(dataDirectory, 'pool', 'volumes', externalID, 'file'),
    statusOf: async (key: string) => (await admin.objects()).find(({ status }) => status.key === key)?.status,
  }
}

describe('mooring restore', () => {
  it('puts a volume from the snapshot under the same ID; the one before it is kept, listed as replaced, and gone back to', async () => {
    const { write, mooring, run, admin, fileOf, statusOf } = await start()
    const [replaced = ''] = mooring.directories()
    writeFileSync(fileOf(replaced), 'before')
    write('before.yaml', snapshotYAML('before', 'data'))
    await mooring.status('Snapshot/default/before', 'ready')
    writeFileSync(fileOf(replaced), 'after')

    const asked = await run('restore', 'data', '--from', 'before')
    expect(asked).toMatchObject({ status: 1 })
    expect(asked.stderr).toMatch(/say --yes/)
    await expect(
      admin.order({ type: 'restore', key: 'Volume/default/data', snapshot: 'other' }),
    ).rejects.toThrow(/lists no snapshot "other"/)
    await expect(admin.order({ type: 'undoRestore', key: 'Volume/default/data' })).rejects.toThrow(
      /no restore under way/,
    )

    const restored = await run('restore', 'data', '--from', 'before', '--yes', '--wait')
    expect(restored).toMatchObject({ status: 0, stderr: '' })
    expect(restored.stdout).toMatch(/^Restored: external volume "data-.*-r1" was created from the snapshot/m)
    const volume = await mooring.read('data')
    expect(volume?.ExternalID).toBe(`${replaced}-r1`)
    expect(readFileSync(fileOf(`${replaced}-r1`), 'utf8')).toBe('before')
    expect(readFileSync(fileOf(replaced), 'utf8')).toBe('after')
    expect(await statusOf('Volume/default/data')).toMatchObject({
      incarnation: 1,
      lastRestore: { outcome: 'Restored' },
      replaced: [{ externalID: replaced }],
    })
    expect((await admin.orphans()).inStorage).toMatchObject([
      { externalID: replaced, released: { key: 'Volume/default/data', reason: 'Replaced' } },
    ])

    const back = await run('restore', 'data', '--back-to', replaced, '--yes', '--wait')
    expect(back).toMatchObject({ status: 0, stderr: '' })
    expect(back.stdout).toContain(`Restored: external volume "${replaced}" is used again`)
    expect(await mooring.read('data')).toMatchObject({ ExternalID: replaced, Name: replaced })
    expect(readFileSync(fileOf(replaced), 'utf8')).toBe('after')
    expect(await statusOf('Volume/default/data')).toMatchObject({
      replaced: [{ externalID: `${replaced}-r1` }],
    })
    expect((await run('restore', 'data', '--back-to', 'other', '--yes')).stderr).toMatch(
      /no restore of it replaced external volume "other"/,
    )
    await mooring.stop()
  })

  it('restores a volume whose disk is lost, from a snapshot ID of its plugin', async () => {
    const { write, mooring, admin, statusOf } = await start()
    write('before.yaml', snapshotYAML('before', 'data'))
    await mooring.status('Snapshot/default/before', 'ready')
    const { externalID = '' } = (await statusOf('Snapshot/default/before')) ?? {}
    const [lost = ''] = mooring.directories()
    await fetch(`${mooring.url}/v1/volume/csi/data/delete`, { method: 'DELETE' })
    await mooring.status('Volume/default/data', 'stalled', 'Vanished')
    await admin.order({ type: 'restore', key: 'Volume/default/data', snapshot: externalID })
    await mooring.status('Volume/default/data', 'ready')
    expect(mooring.directories()).toEqual([`${lost}-r1`])
    await mooring.stop()
  })
})

describe('mooring snapshot', () => {
  it('now takes a run of a schedule at once, keep holds a snapshot of it against retention', async () => {
    const { write, mooring, run, admin, statusOf } = await start()
    expect((await run('snapshot', 'now', 'data')).stderr).toMatch(/no schedule selects volume default\/data/)
    write(
      'nightly.yaml',
      `apiVersion: mooring.dev/v1alpha1
kind: SnapshotSchedule
metadata: {name: nightly}
spec:
  schedule: "0 3 1 1 *"
  volumes: {names: [data]}
  retention: {keepLast: 1}
`,
    )
    await mooring.status('SnapshotSchedule/default/nightly', 'ready')
    /** Names hold whole seconds, so that a second run of one second is refused. */
    const now = async (key: string) => {
      const begun = await vi.waitFor(() => admin.order({ type: 'takeSnapshots', key }), { timeout: 10_000 })
      const [, name = ''] = /begun: default\/(\S+)/.exec(begun) ?? []
      await mooring.status(`Snapshot/default/${name}`, 'ready')
      return name
    }
    const gone = (name: string) =>
      mooring.logged(
        (line) => line.msg === 'no longer managed' && line.key === `Snapshot/default/${name}`,
        `${name} goes`,
      )
    const first = await now('SnapshotSchedule/default/nightly')
    expect((await run('snapshot', 'keep', first)).stdout).toMatch(/is kept/)
    const second = await now('Volume/default/data')
    const third = await now('SnapshotSchedule/default/nightly')
    await gone(second)
    const snapshots = (await admin.objects()).filter(({ kind }) => kind === 'Snapshot')
    expect(snapshots.map(({ metadata }) => metadata.name)).toEqual([first, third])
    const { kept } = (await statusOf('SnapshotSchedule/default/nightly')) ?? {}
    expect(kept).toEqual({
      [`Snapshot/default/${first}`]: ['kept by hand'],
      [`Snapshot/default/${third}`]: ['keepLast', 'last ready'],
    })
    expect((await run('snapshot', 'keep', first, '--release')).status).toBe(0)
    await gone(first)
    await mooring.stop()
    const alone = () => run('snapshot', 'now', 'nightly', '--volume', 'data')
    await vi.waitFor(
      async () =>
        expect(await alone()).toMatchObject({
          stderr: '',
          stdout: expect.stringMatching(
            /begun: .*\(no operator runs here: this takes effect when one does\)/,
          ),
        }),
      { timeout: 10_000 },
    )
  })
})
