import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import type { HostVolumeStub } from '../../src/wire/host-volume.ts'
import { runMooring } from '../helpers/run-mooring.ts'
import { namesIn, startUp, workplace } from '../helpers/start-up.ts'

const key = 'HostVolume/default/data'

function hostVolumeYAML(name: string, fields: Readonly<Record<string, string>> = {}): string {
  const spec = Object.entries(fields).map(([field, value]) => `${field}: ${value}`)
  return `apiVersion: mooring.dev/v1alpha1\nkind: HostVolume\nmetadata: {name: ${name}}\nspec: {${spec.join(', ')}}\n`
}

async function listed(url: string): Promise<readonly HostVolumeStub[]> {
  return (await (await fetch(`${url}/v1/volumes?type=host`)).json()) as HostVolumeStub[]
}

const foldersIn = (dataDirectory: string) => namesIn(join(dataDirectory, 'server', 'host_volumes'))

describe('mooring up, with host volumes', () => {
  it('makes, takes over, expands, keeps and deletes them, as their files say', async () => {
    const { folder, dataDirectory, write, remove } = workplace()
    write('data.yaml', hostVolumeYAML('data', { capacity: '{min: 1Gi}', deletionPolicy: 'Delete' }))
    const mooring = await startUp(folder, dataDirectory)
    await mooring.status(key, 'ready')
    const [made] = await listed(mooring.url)
    expect(made).toMatchObject({ Name: 'data', PluginID: 'mkdir', State: 'ready' })

    const byHand = await fetch(`${mooring.url}/v1/volume/host/create`, {
      method: 'PUT',
      body: JSON.stringify({ Volume: { Name: 'kept' } }),
    })
    expect(byHand.status).toBe(200)
    write('kept.yaml', hostVolumeYAML('kept'))
    await mooring.status('HostVolume/default/kept', 'ready')
    expect(await listed(mooring.url)).toHaveLength(2)

    write('data.yaml', hostVolumeYAML('data', { capacity: '{min: 2Gi}', deletionPolicy: 'Delete' }))
    await mooring.logged((line) => line.step === 'expand-host-volume', 'the expand')
    await vi.waitFor(async () => {
      const read = await fetch(`${mooring.url}/v1/volume/host/${made?.ID}`)
      expect(await read.json()).toMatchObject({ RequestedCapacityMinBytes: 2 * 1024 ** 3 })
    })
    await mooring.status(key, 'ready')

    write('data.yaml', hostVolumeYAML('data', { pluginID: 'another', deletionPolicy: 'Delete' }))
    const { why } = await mooring.status(key, 'stalled', 'ImmutableFieldChanged')
    expect(why).toContain('spec.pluginID is declared as another but is mkdir')
    expect((await listed(mooring.url)).map(({ ID }) => ID)).toContain(made?.ID)
    write('data.yaml', hostVolumeYAML('data', { deletionPolicy: 'Delete' }))
    await mooring.status(key, 'ready')

    write('stays.yaml', hostVolumeYAML('stays'))
    await mooring.status('HostVolume/default/stays', 'ready')
    const ended = (name: string) =>
      mooring.logged(
        (line) => line.msg === 'no longer managed' && line.key === `HostVolume/default/${name}`,
        `${name} ends`,
      )
    remove('kept.yaml')
    expect(await ended('kept')).toMatchObject({ reason: 'Retained' })
    remove('data.yaml')
    expect(await ended('data')).toMatchObject({ reason: 'Deleting' })
    expect((await listed(mooring.url)).map(({ Name }) => Name).sort()).toEqual(['kept', 'stays'])
    expect(foldersIn(dataDirectory)).toHaveLength(2)
    await mooring.stop()
  })

  it('makes no blank one in the place of one that somebody deleted, until a person gives that up', async () => {
    const { folder, dataDirectory, write } = workplace()
    write('data.yaml', hostVolumeYAML('data'))
    const mooring = await startUp(folder, dataDirectory)
    await mooring.status(key, 'ready')
    const [made] = await listed(mooring.url)
    await fetch(`${mooring.url}/v1/volume/host/${made?.ID}`, { method: 'DELETE' })
    const { why } = await mooring.status(key, 'stalled', 'HostVolumeVanished')
    expect(why).toContain(`mooring recreate hostvolume default/data --lost ${made?.ID}`)
    expect(await listed(mooring.url)).toEqual([])
    const given = await runMooring([
      ...['recreate', 'hostvolume', 'default/data', '--lost', made?.ID ?? ''],
      ...['--data-dir', dataDirectory],
    ])
    expect(given).toMatchObject({ status: 0 })
    await mooring.status(key, 'ready')
    expect(await listed(mooring.url)).toHaveLength(1)
    await mooring.stop()
  })
})

describe('mooring up with host volumes, killed at random moments', () => {
  it('has as many as declarations afterwards, none twice, and ends all that were to end', async () => {
    const { folder, dataDirectory, write, remove } = workplace()
    const kills = Number(process.env.MOORING_KILLS ?? 6)
    const seed = Number(process.env.MOORING_SEED ?? Date.now() % 1_000_000)
    onTestFinished(({ task }) => {
      if (task.result?.state === 'fail') console.error(`MOORING_SEED=${seed}`)
    })
    // Ends that a kill held up come together with later ones.
    const endsTogether = ['--max-prune', String(kills)]
    const moments = fc.sample(fc.nat({ max: 16 }), { numRuns: 2 * kills, seed })
    const liveUntil = async (
      moment: number,
      isDone: (line: { key?: unknown; msg?: unknown; state?: unknown }) => boolean,
    ) => {
      const mooring = await startUp(folder, dataDirectory, endsTogether)
      // The moment falls within any of the effects, which all are logged, or after the last of them.
      const lines = mooring.log.length + moment
      await Promise.race([
        mooring.logged(() => mooring.log.length >= lines, 'the moment').catch(() => undefined),
        mooring.logged(isDone, 'the last step').catch(() => undefined),
      ])
      mooring.signal('SIGKILL')
      await mooring.exited()
    }
    const keyOf = (round: number) => `HostVolume/default/h${round}`
    for (let round = 0; round < kills; round += 1) {
      write(
        `h${round}.yaml`,
        hostVolumeYAML(`h${round}`, { deletionPolicy: 'Delete', capacity: '{min: 1Gi}' }),
      )
      await liveUntil(moments[round] ?? 0, ({ key, state }) => key === keyOf(round) && state === 'ready')
    }
    const all = await startUp(folder, dataDirectory)
    for (let round = 0; round < kills; round += 1) await all.status(keyOf(round), 'ready')
    expect((await listed(all.url)).map(({ Name }) => Name).sort()).toEqual(
      Array.from({ length: kills }, (_, round) => `h${round}`).sort(),
    )
    expect(foldersIn(dataDirectory)).toHaveLength(kills)
    await all.stop()

    write('stays.yaml', hostVolumeYAML('stays'))
    for (let round = 0; round < kills; round += 1) {
      remove(`h${round}.yaml`)
      await liveUntil(
        moments[kills + round] ?? 0,
        ({ key, msg }) => key === keyOf(round) && msg === 'no longer managed',
      )
    }
    const last = await startUp(folder, dataDirectory, endsTogether)
    await last.status('HostVolume/default/stays', 'ready')
    await vi.waitFor(
      async () => expect((await listed(last.url)).map(({ Name }) => Name)).toEqual(['stays']),
      {
        timeout: 30_000,
      },
    )
    expect(foldersIn(dataDirectory)).toHaveLength(1)
    await last.stop()
  }, 180_000)
})
