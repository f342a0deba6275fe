import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { startTestServer, type TestServer, volumeBody } from '../fakes/api-server.ts'
import { snapshotYAML } from '../helpers/declarations-yaml.ts'
import { type MooringProcess, startMooring } from '../helpers/mooring-process.ts'
import { runMooring } from '../helpers/run-mooring.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'

/**
 * Two shares of one NFS server, as people register them for Nomad: the plugin knows both by one external ID, and the
 * context has the share. CSI's DeleteVolume, CreateSnapshot and ControllerExpandVolume carry the ID alone.
 */
const share = (name: string, fields = '') => `apiVersion: mooring.dev/v1alpha1
kind: Volume
metadata: {name: ${name}}
spec:
  pluginID: disk
  externalID: nfs
  context: {server: nfs.example, share: /export/${name}}
  capabilities: [{accessMode: single-node-writer, attachmentMode: file-system}]
  secrets: {}
${fields}`

let server: TestServer
let root: string

beforeEach(async () => {
  server = await startTestServer()
  server.plugin.volumes.set('nfs', { id: 'nfs', name: 'nfs', capacityBytes: 1n << 30n })
  root = temporaryDirectory()
  mkdirSync(join(root, 'volumes'))
})
afterEach(() => server.dispose())

const write = (file: string, text: string) => writeFileSync(join(root, 'volumes', file), text)
const count = (rpc: string) => server.plugin.calls.filter((call) => call.rpc === rpc).length

function start(): MooringProcess {
  return startMooring([
    ...[
      'run',
      '--source',
      join(root, 'volumes'),
      '--data-dir',
      join(root, 'data'),
      '--nomad-addr',
      server.url,
    ],
    ...['--rescan', '200ms', '--prune', '--prune-delay', '100ms', '--allow-empty', '--max-prune', '5'],
  ])
}

const status = (mooring: MooringProcess, key: string, reason: string) =>
  vi.waitFor(
    () => {
      const line = mooring.log.findLast((each) => each.msg === 'status' && each.key === key)
      expect(line).toMatchObject({ reason })
      return line
    },
    { timeout: 30_000 },
  )

it('registers both shares, and lets nothing reach the plugin that could mean either', async () => {
  write('media.yaml', share('media'))
  write('backup.yaml', share('backup'))
  const mooring = start()
  await status(mooring, 'Volume/default/media', 'AsDeclared')
  await status(mooring, 'Volume/default/backup', 'AsDeclared')
  const read = async (id: string) => (await server.call('GET', `/v1/volume/csi/${id}`)).json
  expect(await read('media')).toMatchObject({ ExternalID: 'nfs', Context: { share: '/export/media' } })
  expect(await read('backup')).toMatchObject({ ExternalID: 'nfs', Context: { share: '/export/backup' } })

  write('snapshot.yaml', snapshotYAML('before', 'media'))
  const refused = await status(mooring, 'Snapshot/default/before', 'SharedExternalID')
  expect(refused).toMatchObject({ state: 'stalled', why: expect.stringContaining('volume default/backup') })
  write('media.yaml', share('media', '  deletionPolicy: Delete\n'))
  await status(mooring, 'Volume/default/media', 'SharedExternalID')
  const plan = await runMooring([
    'plan',
    join(root, 'volumes'),
    '--data-dir',
    join(root, 'data'),
    '--nomad-addr',
    server.url,
  ])
  expect(plan.stdout).toContain('! Volume/default/media: needs a person (SharedExternalID)')
  expect(plan.stdout).toContain('Set deletionPolicy to Deregister or Retain')

  // Its end waits as well, and the message names a way out that works.
  rmSync(join(root, 'volumes', 'snapshot.yaml'))
  rmSync(join(root, 'volumes', 'media.yaml'))
  await vi.waitFor(
    () =>
      expect(mooring.log.findLast(({ key }) => key === 'Volume/default/media')?.why).toMatch(
        /the end waits: external ID/,
      ),
    { timeout: 30_000 },
  )
  expect(await read('media')).toMatchObject({ ExternalID: 'nfs' })
  write('media.yaml', share('media', '  deletionPolicy: Deregister\n'))
  await status(mooring, 'Volume/default/media', 'AsDeclared')
  rmSync(join(root, 'volumes', 'media.yaml'))
  await mooring.logged(
    ({ msg, key, reason }) =>
      msg === 'no longer managed' && key === 'Volume/default/media' && reason === 'Deregistered',
    'the end of media',
  )
  expect((await server.call('GET', '/v1/volume/csi/media')).status).toBe(404)

  // Once one of the two was let go, its data are still there: the other may not be deleted by the ID either.
  write('backup.yaml', share('backup', '  deletionPolicy: Delete\n'))
  await status(mooring, 'Volume/default/backup', 'SharedExternalID')
  expect([count('DeleteVolume'), count('CreateSnapshot'), count('CreateVolume')]).toEqual([0, 0, 0])
  mooring.signal('SIGTERM')
  expect(await mooring.exited()).toBe(0)
}, 60_000)

it('refuses a second declaration whose context does not tell it apart', async () => {
  write('media.yaml', share('media'))
  write('same.yaml', share('media').replace('{name: media}', '{name: same}'))
  const mooring = start()
  await status(mooring, 'Volume/default/media', 'AsDeclared')
  const line = await mooring.logged(({ reason }) => reason === 'ExternalIDTaken', 'the refusal')
  expect(JSON.stringify(line)).toContain('external volume')
  expect((await server.call('GET', '/v1/volume/csi/same')).status).toBe(404)
})

it('counts a share that somebody else registered in Nomad', async () => {
  await server.call(
    'PUT',
    '/v1/volume/csi/theirs',
    volumeBody('theirs', { ExternalID: 'nfs', Context: { share: '/theirs' } }),
  )
  write('media.yaml', share('media', '  deletionPolicy: Delete\n'))
  const line = await status(start(), 'Volume/default/media', 'SharedExternalID')
  expect(line?.why).toContain('volume default/theirs')
})
