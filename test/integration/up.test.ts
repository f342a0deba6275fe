import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { snapshotYAML, volumeYAML } from '../helpers/declarations-yaml.ts'
import { startMooring } from '../helpers/mooring-process.ts'
import { namesIn, startUp, workplace } from '../helpers/start-up.ts'

describe('mooring up', () => {
  it('makes the examples real: listed by the API, directories in the pool, a restored file', async () => {
    const { folder, dataDirectory } = workplace()
    cpSync('manifests/examples', folder, { recursive: true })
    const media = join(dataDirectory, 'pool', 'volumes', 'shared-media')
    mkdirSync(media, { recursive: true })
    writeFileSync(join(media, 'hello.txt'), 'here before')
    const mooring = await startUp(folder, dataDirectory)
    const declared = readdirSync(folder).filter((file) => file.endsWith('.yaml'))
    await vi.waitFor(
      () => {
        const ready = mooring.log.filter((line) => line.msg === 'status' && line.state === 'ready')
        expect(new Set(ready.map((line) => line.key)).size).toBe(declared.length)
      },
      { timeout: 30_000 },
    )

    const volumes = await mooring.list()
    expect(volumes.every((volume) => volume.Schedulable)).toBe(true)
    expect(volumes.map((volume) => volume.ExternalID).sort()).toEqual(mooring.directories())
    const restored = await Promise.all(volumes.map(({ ID }) => mooring.read(ID)))
    const copy = restored.find((volume) => volume?.SnapshotID !== '')
    expect(
      readFileSync(join(dataDirectory, 'pool', 'volumes', copy?.ExternalID ?? '', 'hello.txt'), 'utf8'),
    ).toBe('here before')
    await mooring.stop()
  })

  it('follows files as they are added, edited and removed, each by its deletionPolicy', async () => {
    const { folder, dataDirectory, write, remove } = workplace()
    write('stays.yaml', volumeYAML('stays'))
    const mooring = await startUp(folder, dataDirectory)
    await mooring.status('Volume/default/stays', 'ready')

    for (const policy of ['Retain', 'Deregister', 'Delete']) {
      write(`${policy}.yaml`, volumeYAML(policy.toLowerCase(), { deletionPolicy: policy }))
      await mooring.status(`Volume/default/${policy.toLowerCase()}`, 'ready')
    }
    expect(mooring.directories()).toHaveLength(4)

    write('stays.yaml', volumeYAML('stays', { capacity: '{min: 3Gi}' }))
    await vi.waitFor(async () => expect((await mooring.read('stays'))?.Capacity).toBe(3 * 1024 ** 3))
    await mooring.status('Volume/default/stays', 'ready')

    for (const policy of ['Retain', 'Deregister', 'Delete']) remove(`${policy}.yaml`)
    const ended = (id: string) =>
      mooring.logged(
        (line) => line.msg === 'no longer managed' && line.key === `Volume/default/${id}`,
        `${id} ends`,
      )
    expect(await ended('retain')).toMatchObject({ reason: 'Retained' })
    expect(await ended('deregister')).toMatchObject({ reason: 'Deregistered' })
    expect(await ended('delete')).toMatchObject({ reason: 'Deleted' })
    expect((await mooring.list()).map(({ ID }) => ID).sort()).toEqual(['retain', 'stays'])
    expect(mooring.directories().map((name) => name.replace(/-[0-9a-f]{10}$/, ''))).toEqual([
      'deregister',
      'retain',
      'stays',
    ])
    await mooring.stop()
  })

  it('names a YAML error by line and column and lets it harm nothing else', async () => {
    const { folder, dataDirectory, write } = workplace()
    write('good.yaml', volumeYAML('good', { deletionPolicy: 'Delete' }))
    const mooring = await startUp(folder, dataDirectory)
    await mooring.status('Volume/default/good', 'ready')

    write('bad.yaml', 'apiVersion: mooring.dev/v1alpha1\nkind: Volume\nmetadata: {name: bad\nspec: [')
    const complaint = await mooring.logged((line) => line.msg === 'invalid declaration', 'the complaint')
    expect(String(complaint.at)).toMatch(/declarations\/bad\.yaml:\d+:\d+$/)
    write('later.yaml', volumeYAML('later'))
    await mooring.status('Volume/default/later', 'ready')

    write('bad.yaml', volumeYAML('bad'))
    await mooring.status('Volume/default/bad', 'ready')
    expect((await mooring.list()).map(({ ID }) => ID).sort()).toEqual(['bad', 'good', 'later'])
    await mooring.stop()
  })

  it('refuses a second declaration of a volume, naming both places; its removal does nothing', async () => {
    const { folder, dataDirectory, write, remove } = workplace()
    write('first.yaml', volumeYAML('data'))
    const mooring = await startUp(folder, dataDirectory)
    await mooring.status('Volume/default/data', 'ready')

    write('another.yaml', volumeYAML('data', { deletionPolicy: 'Delete', capacity: '{min: 5Gi}' }))
    const refusal = await mooring.logged((line) => line.msg === 'declaration refused', 'the refusal')
    expect(refusal.reason).toBe('OwnedElsewhere')
    expect(refusal.why).toContain('first.yaml')
    expect(refusal.why).toContain('another.yaml')
    const writes = mooring.writes().length
    remove('another.yaml')
    write('marker.yaml', volumeYAML('marker'))
    await mooring.status('Volume/default/marker', 'ready')
    expect(mooring.writes()).toHaveLength(writes + 1)
    expect((await mooring.read('data'))?.Capacity).not.toBe(5 * 1024 ** 3)
    await mooring.stop()
  })

  it('takes a renamed file for the same, without a write', async () => {
    const { folder, dataDirectory, write, rename } = workplace()
    write('old.yaml', volumeYAML('data', { deletionPolicy: 'Delete' }))
    const mooring = await startUp(folder, dataDirectory)
    await mooring.status('Volume/default/data', 'ready')
    const writes = mooring.writes().length

    mkdirSync(join(folder, 'sub'))
    rename('old.yaml', 'sub/new.yaml')
    write('marker.yaml', volumeYAML('marker'))
    await mooring.status('Volume/default/marker', 'ready')
    expect(mooring.writes()).toHaveLength(writes + 1)
    await mooring.stop()
  })

  it('prunes nothing while the folder is empty or gone', async () => {
    const { folder, dataDirectory, write, remove, rename } = workplace()
    write('data.yaml', volumeYAML('data', { deletionPolicy: 'Delete' }))
    const mooring = await startUp(folder, dataDirectory, ['--rescan', '100ms'])
    await mooring.status('Volume/default/data', 'ready')
    remove('data.yaml')
    const held = await mooring.status('Volume/default/data', 'suspended', 'SourceUnclear')
    expect(held.why).toContain('mooring confirm-removal volume default/data')

    write('data.yaml', volumeYAML('data', { deletionPolicy: 'Delete' }))
    await mooring.status('Volume/default/data', 'ready')
    rename('.', '../moved-away')
    await mooring.logged((line) => line.msg === 'invalid declaration', 'the complaint about the folder')
    rename('../moved-away', '.')
    write('marker.yaml', volumeYAML('marker'))
    await mooring.status('Volume/default/marker', 'ready')
    expect(mooring.directories()).toHaveLength(2)
    expect(mooring.writes().map((line) => line.method)).not.toContain('DELETE')
    await mooring.stop()
  })

  it('keeps equal volume IDs in two Nomad namespaces as two directories', async () => {
    const { folder, dataDirectory, write } = workplace()
    const mooring = await startUp(folder, dataDirectory)
    const created = await fetch(`${mooring.url}/v1/namespace/prod`, {
      method: 'PUT',
      body: JSON.stringify({ Name: 'prod' }),
    })
    expect(created.status).toBe(200)
    write('default.yaml', volumeYAML('data'))
    write('prod.yaml', volumeYAML('data', { namespace: 'prod' }))
    await mooring.status('Volume/default/data', 'ready')
    await mooring.status('Volume/prod/data', 'ready')
    expect(mooring.directories()).toHaveLength(2)
    await mooring.stop()
  })

  it('writes nothing after a restart with nothing changed', async () => {
    const { folder, dataDirectory, write } = workplace()
    write(
      'data.yaml',
      volumeYAML('data', { capacity: '{min: 1Gi, max: 2Gi}', mountOptions: '{mountFlags: [noatime]}' }),
    )
    write('snapshot.yaml', snapshotYAML('nightly', 'data'))
    write('copy.yaml', volumeYAML('copy', { source: '{snapshot: nightly}' }))
    const first = await startUp(folder, dataDirectory)
    for (const key of ['Volume/default/data', 'Snapshot/default/nightly', 'Volume/default/copy']) {
      await first.status(key, 'ready')
    }
    await first.stop()

    const second = await startUp(folder, dataDirectory, ['--resync', '100ms', '--log-level', 'debug'])
    // Each key is looked at several times; the engine logs every pass at debug level.
    await vi.waitFor(() => {
      const passes = second.log.filter((line) => line.msg === 'pass ended').map((line) => line.key)
      for (const key of ['Volume/default/data', 'Snapshot/default/nightly', 'Volume/default/copy']) {
        expect(passes.filter((each) => each === key).length).toBeGreaterThan(2)
      }
    })
    expect(second.writes()).toEqual([])
    await second.stop()
  })

  it('registers again what Nomad lost, and never makes a blank volume in place of a lost one', async () => {
    const { folder, dataDirectory, write } = workplace()
    write('data.yaml', volumeYAML('data'))
    const mooring = await startUp(folder, dataDirectory)
    await mooring.status('Volume/default/data', 'ready')
    const [directory = ''] = mooring.directories()
    writeFileSync(join(dataDirectory, 'pool', 'volumes', directory, 'precious'), 'data')

    await fetch(`${mooring.url}/v1/volume/csi/data`, { method: 'DELETE' })
    await vi.waitFor(async () => expect((await mooring.read('data'))?.ExternalID).toBe(directory))
    await mooring.status('Volume/default/data', 'ready')
    expect(mooring.directories()).toEqual([directory])

    await fetch(`${mooring.url}/v1/volume/csi/data/delete`, { method: 'DELETE' })
    const status = await mooring.status('Volume/default/data', 'stalled', 'Vanished')
    expect(status.why).toContain(directory)
    expect(mooring.directories()).toEqual([])
    expect(await mooring.read('data')).toBeUndefined()
    await mooring.stop()
  })

  it('says which flag to use where the port is taken', async () => {
    const { folder, dataDirectory } = workplace()
    const first = await startUp(folder, dataDirectory)
    const port = new URL(first.url).port
    const second = startMooring([
      'up',
      folder,
      '--data-dir',
      `${dataDirectory}-2`,
      '--http',
      `127.0.0.1:${port}`,
    ])
    await second.printed(/--http/)
    expect(await second.exited()).toBe(1)
    await first.stop()
  })
})

describe('mooring up, killed at random moments', () => {
  it('has as many directories as declarations afterwards, none lost and none twice (external-provisioner#486)', async () => {
    const { folder, dataDirectory, write } = workplace()
    const kills = Number(process.env.MOORING_KILLS ?? 12)
    const seed = Number(process.env.MOORING_SEED ?? Date.now() % 1_000_000)
    onTestFinished(({ task }) => {
      if (task.result?.state === 'fail') console.error(`MOORING_SEED=${seed}`)
    })
    const moments = fc.sample(fc.nat({ max: 40 }), { numRuns: kills, seed })
    for (const [round, moment] of moments.entries()) {
      write(`v${round}.yaml`, volumeYAML(`v${round}`))
      write(`s${round}.yaml`, snapshotYAML(`s${round}`, `v${round}`))
      write(`r${round}.yaml`, volumeYAML(`r${round}`, { source: `{snapshot: s${round}}` }))
      const mooring = await startUp(folder, dataDirectory)
      // The moment falls within any of the effects, which all are logged, or after the last of them.
      const lines = mooring.log.length + moment
      await Promise.race([
        mooring.logged(() => mooring.log.length >= lines, 'the moment').catch(() => undefined),
        mooring.status(`Volume/default/r${round}`, 'ready').catch(() => undefined),
      ])
      mooring.signal('SIGKILL')
      await mooring.exited()
    }
    const mooring = await startUp(folder, dataDirectory)
    for (let round = 0; round < kills; round += 1) {
      for (const key of [
        `Volume/default/v${round}`,
        `Snapshot/default/s${round}`,
        `Volume/default/r${round}`,
      ]) {
        await mooring.status(key, 'ready')
      }
    }
    const volumes = await mooring.list()
    expect(volumes).toHaveLength(2 * kills)
    expect(mooring.directories()).toEqual(volumes.map((volume) => volume.ExternalID).sort())
    expect(namesIn(join(dataDirectory, 'pool', 'snapshots'))).toHaveLength(kills)
    await mooring.stop()
  })
})
