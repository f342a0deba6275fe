import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { startTestServer, type TestServer } from '../fakes/api-server.ts'
import { snapshotYAML, volumeYAML } from '../helpers/declarations-yaml.ts'
import { type MooringProcess, startMooring } from '../helpers/mooring-process.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'

/** The operator as a process, our server, and a plugin that breaks CSI in what it answers. */
let server: TestServer
let root: string

beforeEach(async () => {
  server = await startTestServer()
  root = temporaryDirectory()
  mkdirSync(join(root, 'volumes'))
  write('stays.yaml', volume('stays'))
})
afterEach(() => server.dispose())

const write = (file: string, text: string) => writeFileSync(join(root, 'volumes', file), text)
const remove = (file: string) => rmSync(join(root, 'volumes', file))
const volume = (name: string, fields: Readonly<Record<string, string>> = {}) =>
  volumeYAML(name, { secrets: '{}', ...fields }).replace('pluginID: directories', 'pluginID: disk')
const named = (text: string) => [...server.plugin.volumes.keys()].filter((id) => id.includes(text))
const count = (rpc: string) => server.plugin.calls.filter((call) => call.rpc === rpc).length

function start(): MooringProcess {
  const mooring = startMooring([
    ...[
      'run',
      '--source',
      join(root, 'volumes'),
      '--data-dir',
      join(root, 'data'),
      '--nomad-addr',
      server.url,
    ],
    ...['--rescan', '200ms', '--resync', '1s', '--prune', '--prune-delay', '100ms', '--max-prune', '5'],
  ])
  return mooring
}

const status = (mooring: MooringProcess, key: string, reason: string) =>
  vi.waitFor(
    () => {
      const line = mooring.log.findLast((each) => each.msg === 'status' && each.key === key)
      expect(line).toMatchObject({ reason })
      return line
    },
    { timeout: 30_000, interval: 50 },
  )
const released = (mooring: MooringProcess, key: string, reason: string) =>
  mooring.logged(
    (line) => line.msg === 'no longer managed' && line.key === key && line.reason === reason,
    reason,
  )

type Answer = { volume: { volumeId: string; capacityBytes: bigint } | null }
const key = 'Volume/default/data'

it.each<[string, (answer: Answer) => Answer, boolean]>([
  [
    'more than the limit',
    (answer) => ({ volume: answer.volume && { ...answer.volume, capacityBytes: 1n << 40n } }),
    true,
  ],
  ['no ID', (answer) => ({ volume: answer.volume && { ...answer.volume, volumeId: '' } }), false],
])(
  'a create that answers %s is Stalled, and its end leaves nothing behind that can be known',
  async (_title, tamper, isNamed) => {
    const mooring = start()
    await status(mooring, 'Volume/default/stays', 'AsDeclared')
    server.plugin.tampered.set('CreateVolume', tamper as (answer: never) => unknown)
    write('data.yaml', volume('data', { deletionPolicy: 'Delete', capacity: '{min: 1Mi, max: 2Mi}' }))
    const stalled = await status(mooring, key, 'BrokenAnswer')
    expect(stalled).toMatchObject({
      state: 'stalled',
      why: expect.stringMatching(/breaks CSI, so the result is not used/),
    })
    expect(stalled?.why).toContain('To give it up, remove the declaration')
    expect(JSON.stringify(mooring.log)).not.toMatch(/code = Ok/i)
    expect(named('data')).toHaveLength(1)

    remove('data.yaml')
    await released(mooring, key, isNamed ? 'Deleted' : 'OutcomeUnknown')
    expect(named('data')).toHaveLength(isNamed ? 0 : 1)
    expect(named('stays')).toHaveLength(1)
  },
)

it('the volume of a broken answer is taken once the plugin is mended, and there is one of it', async () => {
  const mooring = start()
  server.plugin.tampered.set('CreateVolume', ((answer: Answer) => ({
    volume: answer.volume && { ...answer.volume, volumeId: '' },
  })) as (answer: never) => unknown)
  write('data.yaml', volume('data'))
  await status(mooring, key, 'BrokenAnswer')
  server.plugin.tampered.delete('CreateVolume')
  await status(mooring, key, 'AsDeclared')
  expect(named('data')).toHaveLength(1)
})

it('an entry of a list that cannot be read costs no other one', async () => {
  server.plugin.tampered.set('CreateSnapshot', (({ snapshot }: { snapshot: object }) => ({
    snapshot: { ...snapshot, creationTime: { seconds: BigInt(Math.floor(Date.now() / 1000)), nanos: 0 } },
  })) as (answer: never) => unknown)
  write('before.yaml', snapshotYAML('before', 'stays'))
  const first = start()
  await status(first, 'Snapshot/default/before', 'ReadyToUse')
  first.signal('SIGTERM')
  await first.exited()

  const spoil = (answer: { entries: object[] }) => ({
    ...answer,
    entries: [
      {},
      { snapshot: { snapshotId: 'of-somebody', sourceVolumeId: 'theirs', readyToUse: true } },
      ...answer.entries,
    ],
  })
  for (const rpc of ['ListSnapshots', 'ListVolumes'] as const)
    server.plugin.tampered.set(rpc, spoil as (answer: never) => unknown)
  const lists = count('ListSnapshots')
  const second = start()
  await status(second, 'Snapshot/default/before', 'ReadyToUse')
  await status(second, 'Volume/default/stays', 'AsDeclared')
  expect(count('ListSnapshots')).toBeGreaterThan(lists)
  const snapshots = await server.call('GET', '/v1/volumes/snapshot?plugin_id=disk')
  expect(snapshots.json.Snapshots).toMatchObject([{ ID: 'of-somebody', CreateTime: 0 }, {}])
  const volumes = await server.call('GET', '/v1/volumes/external?plugin_id=disk')
  expect(volumes.json.Volumes).toHaveLength(1)
})
