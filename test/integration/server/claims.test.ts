import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { status } from '@grpc/grpc-js'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { startTestServer, type TestServer, volumeBody } from '../../fakes/api-server.ts'
import { runDriver } from '../../support/driver.ts'

let directory: string
let mountRoot: string
let server: TestServer

beforeEach(() => {
  directory = realpathSync(mkdtempSync(join(tmpdir(), 'mooring-claims-')))
  mountRoot = join(directory, 'mounts')
})
afterEach(async () => {
  await server.dispose()
  rmSync(directory, { recursive: true, force: true })
})

const claim = (id: string, target: string, fields = {}) =>
  server.call('PUT', `/v1/volume/csi/${id}/claim`, { TargetPath: join(mountRoot, target), ...fields })
const unclaim = (id: string, claimID: string) =>
  server.call('DELETE', `/v1/volume/csi/${id}/claim/${claimID}`)
const read = async (id: string) => (await server.call('GET', `/v1/volume/csi/${id}`)).json
const create = (id: string, fields = {}) =>
  server.call('PUT', `/v1/volume/csi/${id}/create`, volumeBody(id, fields))
const rpcs = () =>
  server.plugin.calls.map(({ rpc }) => rpc).filter((rpc) => /Publish|Unpublish|Stage|Unstage/.test(rpc))

describe('over the driver', () => {
  beforeEach(async () => {
    const driver = await runDriver(directory)
    server = await startTestServer({ mountRoot, plugins: [{ id: 'disk', endpoint: driver.endpoint }] })
    const dispose = server.dispose
    server.dispose = async () => {
      await dispose()
      await driver.close()
    }
    await create('v1')
  })

  it('a claimed volume can be written to, is in use, and keeps its bytes for the next claim', async () => {
    const first = await claim('v1', 'a')
    expect(first.status).toBe(200)
    writeFileSync(join(mountRoot, 'a', 'file'), 'bytes')
    expect(await read('v1')).toMatchObject({
      AccessMode: 'single-node-writer',
      AttachmentMode: 'file-system',
      WriteAllocs: { [first.json.ID]: null },
      ReadAllocs: {},
      Allocations: [{ ID: first.json.ID, ClientStatus: 'running', NodeID: first.json.NodeID }],
    })
    expect((await server.call('GET', '/v1/volumes?type=csi')).json[0].CurrentWriters).toBe(1)
    expect((await claim('v1', 'b')).status).toBe(409)
    for (const path of ['/v1/volume/csi/v1', '/v1/volume/csi/v1/delete', '/v1/volume/csi/v1?force=true']) {
      expect(await server.call('DELETE', path)).toMatchObject({ status: 409, text: 'volume in use: v1' })
    }
    expect((await unclaim('v1', first.json.ID)).status).toBe(200)
    expect(existsSync(join(mountRoot, 'a'))).toBe(false)
    expect(await read('v1')).toMatchObject({ AccessMode: '', WriteAllocs: {}, Allocations: [] })
    const second = await claim('v1', 'b')
    expect(readFileSync(join(mountRoot, 'b', 'file'), 'utf8')).toBe('bytes')
    await unclaim('v1', second.json.ID)
    expect((await server.call('DELETE', '/v1/volume/csi/v1/delete')).status).toBe(200)
  })

  it('a claim outlives the server', async () => {
    const { json } = await claim('v1', 'a')
    await server.restart()
    const allocation = await server.call('GET', `/v1/allocation/${json.ID}`)
    expect(allocation.json).toMatchObject({
      ClientStatus: 'running',
      Job: { TaskGroups: [{ Name: 'mount', Volumes: { v1: { Type: 'csi', ReadOnly: false } } }] },
      // `nomad alloc status -verbose` panics without them.
      Metrics: { NodesEvaluated: 1, ScoreMetaData: [] },
    })
    expect((await unclaim('v1', json.ID)).status).toBe(200)
  })
})

describe('over a plugin with faults', () => {
  beforeEach(async () => {
    server = await startTestServer({ mountRoot })
    await create('v1')
    server.plugin.calls.length = 0
  })

  it('a claim is taken and given back in the order that CSI demands', async () => {
    const { json } = await claim('v1', 'a')
    await unclaim('v1', json.ID)
    expect(rpcs()).toEqual([
      'ControllerPublishVolume',
      'NodeStageVolume',
      'NodePublishVolume',
      'NodeUnpublishVolume',
      'NodeUnstageVolume',
      'ControllerUnpublishVolume',
    ])
    expect(server.plugin.calls.find(({ rpc }) => rpc === 'NodePublishVolume')?.request).toMatchObject({
      publishContext: { device: 'fake' },
      readonly: false,
    })
  })

  it('a claim that fails on the way is undone as far as it came', async () => {
    server.plugin.failNext('NodeStageVolume', { code: status.INTERNAL, details: 'no device' })
    expect(await claim('v1', 'a')).toMatchObject({ status: 502, text: expect.stringContaining('no device') })
    expect(rpcs()).toEqual([
      'ControllerPublishVolume',
      'NodeStageVolume',
      'NodeUnstageVolume',
      'ControllerUnpublishVolume',
    ])
    expect((await read('v1')).WriteAllocs).toEqual({})
  })

  it('a claim that cannot be undone stays as a failed allocation, which Detach frees', async () => {
    server.plugin.failNext('NodePublishVolume', { code: status.INTERNAL, details: 'half done' })
    server.plugin.failNext('NodeUnpublishVolume', { code: status.INTERNAL, details: 'stuck' })
    expect((await claim('v1', 'a')).status).toBe(502)
    const [allocation] = (await read('v1')).Allocations
    expect(allocation).toMatchObject({ ClientStatus: 'failed', DesiredStatus: 'stop' })
    expect((await server.call('DELETE', '/v1/volume/csi/v1')).status).toBe(409)
    const detach = `/v1/volume/csi/v1/detach?node=${allocation.NodeID}`
    expect((await server.call('DELETE', detach)).status).toBe(200)
    expect((await read('v1')).WriteAllocs).toEqual({})
    expect((await server.call('DELETE', detach)).status).toBe(200)
  })

  it('is detached where nothing claims it, but never beneath a claim of the same external volume', async () => {
    const { json } = await claim('v1', 'a')
    const { ExternalID } = await read('v1')
    await server.call('PUT', '/v1/volume/csi/same', volumeBody('same', { ExternalID }))
    const detach = (id: string) => server.call('DELETE', `/v1/volume/csi/${id}/detach?node=${json.NodeID}`)
    const freed = () => rpcs().filter((rpc) => rpc === 'ControllerUnpublishVolume').length
    expect((await detach('same')).status).toBe(200)
    expect(freed()).toBe(0)
    await unclaim('v1', json.ID)
    expect(freed()).toBe(1)
    expect((await detach('same')).status).toBe(200)
    expect(freed()).toBe(2)
  })

  it('Detach takes nothing from a living allocation, and names what is missing', async () => {
    const { json } = await claim('v1', 'a')
    expect(await server.call('DELETE', `/v1/volume/csi/v1/detach?node=${json.NodeID}`)).toMatchObject({
      status: 409,
      text: expect.stringMatching(/^volume in use: v1: allocation .* runs on node/),
    })
    expect((await server.call('DELETE', '/v1/volume/csi/v1/detach')).status).toBe(400)
    expect((await server.call('DELETE', '/v1/volume/csi/v1/detach?node=none')).status).toBe(404)
    expect((await server.call('DELETE', `/v1/volume/csi/none/detach?node=${json.NodeID}`)).status).toBe(404)
  })

  it('a claim whose mount is gone at the start is lost, and force frees the volume', async () => {
    const { json } = await claim('v1', 'a')
    await server.close()
    rmSync(join(mountRoot, 'a'))
    await server.restart()
    expect((await server.call('GET', `/v1/allocation/${json.ID}`)).json.ClientStatus).toBe('lost')
    expect((await server.call('DELETE', '/v1/volume/csi/v1')).status).toBe(409)
    expect((await server.call('DELETE', '/v1/volume/csi/v1?force=true')).status).toBe(200)
    expect((await server.call('GET', '/v1/allocations')).json).toEqual([])
  })

  it('a claim that was being taken when the server ended is undone by the next start', async () => {
    server.plugin.failNext('NodePublishVolume', { after: 'hang' })
    const lost = claim('v1', 'a').catch(() => undefined)
    await expect.poll(() => existsSync(join(mountRoot, 'a'))).toBe(true)
    await server.close()
    await lost
    await server.restart()
    expect((await read('v1')).WriteAllocs).toEqual({})
    expect(existsSync(join(mountRoot, 'a'))).toBe(false)
  })

  it.each([
    ['outside the mount root', '../elsewhere', {}, 400],
    ['at the mount root itself', '.', {}, 400],
    ['with an unknown mode', 'a', { AccessMode: 'x' }, 400],
    ['in a mode that the volume does not have', 'a', { AttachmentMode: 'block-device' }, 409],
  ])('a claim %s is refused before the plugin is called', async (_case, target, fields, wanted) => {
    expect((await claim('v1', target, fields)).status).toBe(wanted)
    expect(rpcs()).toEqual([])
  })

  it('a claim through a link is refused, wherever it leads', async () => {
    mkdirSync(mountRoot)
    mkdirSync(join(mountRoot, 'real'))
    symlinkSync(directory, join(mountRoot, 'out'))
    symlinkSync(join(mountRoot, 'real'), join(mountRoot, 'in'))
    symlinkSync(join(mountRoot, 'real'), join(mountRoot, 'last'))
    for (const target of ['out/a', 'in/a', 'last']) {
      expect(await claim('v1', target)).toMatchObject({
        status: 400,
        text: expect.stringContaining('is a link'),
      })
    }
    expect(rpcs()).toEqual([])
  })

  const swappable: [string, (path: string) => void][] = [
    ['a folder that others may write to', (path) => chmodSync(path, 0o777)],
    ['a folder that a group may write to', (path) => chmodSync(path, 0o775)],
    ['a sticky folder that others may write to', (path) => chmodSync(path, 0o1777)],
  ]
  // Only root can give a folder away.
  if (process.getuid?.() === 0) {
    swappable.push(['a folder of another user', (path) => chownSync(path, 65534, 65534)])
  }
  it.each(swappable)(
    'a claim beneath %s is refused: it could be swapped for a link before the plugin mounts',
    async (_what, disturb) => {
      mkdirSync(mountRoot)
      mkdirSync(join(mountRoot, 'shared'))
      disturb(join(mountRoot, 'shared'))
      expect(await claim('v1', 'shared/deep')).toMatchObject({
        status: 422,
        text: expect.stringMatching(/others than root .*shared/),
      })
      expect(rpcs()).toEqual([])
    },
  )

  it('a mount root that others may rename, or write to, takes no claim', async () => {
    const parent = join(directory, 'parent')
    mkdirSync(join(parent, 'mounts'), { recursive: true })
    for (const path of [parent, join(parent, 'mounts')]) {
      await server.dispose()
      server = await startTestServer({ mountRoot: join(parent, 'mounts') })
      await create('v1')
      chmodSync(path, 0o777)
      const answer = await server.call('PUT', '/v1/volume/csi/v1/claim', {
        TargetPath: join(parent, 'mounts', 'a'),
      })
      expect(answer.status).toBe(422)
      chmodSync(path, 0o755)
    }
  })

  it('a mount root behind a link is named as the kernel names it, and found by either name', async () => {
    const linked = join(directory, 'linked')
    mkdirSync(mountRoot)
    symlinkSync(mountRoot, linked)
    await server.dispose()
    server = await startTestServer({ mountRoot: linked })
    await create('v1')
    const { json } = await server.call('PUT', '/v1/volume/csi/v1/claim', { TargetPath: join(linked, 'a') })
    expect(json.TargetPath).toBe(join(mountRoot, 'a'))
    for (const path of [join(linked, 'a'), join(mountRoot, 'a')]) {
      const found = await server.call('GET', `/v1/claims?target_path=${encodeURIComponent(path)}`)
      expect(found.json).toMatchObject([{ ID: json.ID }])
    }
  })

  it('two claims never share a target', async () => {
    await create('v2')
    await claim('v1', 'a')
    expect((await claim('v2', 'a')).status).toBe(409)
  })

  it('readers share a staging, which the last one takes down', async () => {
    await create('many', {
      RequestedCapabilities: [{ AccessMode: 'multi-node-multi-writer', AttachmentMode: 'file-system' }],
    })
    const one = await claim('many', 'one', { ReadOnly: true })
    const two = await claim('many', 'two', { ReadOnly: true })
    expect((await server.call('GET', '/v1/volumes?type=csi&prefix=many')).json[0].CurrentReaders).toBe(2)
    await unclaim('many', one.json.ID)
    expect(rpcs()).not.toContain('NodeUnstageVolume')
    await unclaim('many', two.json.ID)
    expect(rpcs()).toContain('NodeUnstageVolume')
  })

  it('lists the volumes that a node holds', async () => {
    await create('free')
    const { json } = await claim('v1', 'a')
    const list = async (query: string) =>
      (await server.call('GET', `/v1/volumes?type=csi&${query}`)).json.map(({ ID }: { ID: string }) => ID)
    expect(await list(`node_id=${json.NodeID.slice(0, 8)}`)).toEqual(['v1'])
    expect(await list(`filter=${encodeURIComponent('WriteAllocs is empty')}`)).toEqual(['free'])
  })

  it('search finds the claims of one namespace, and says of which index', async () => {
    await server.call('PUT', '/v1/namespace/other')
    const { json } = await claim('v1', 'a')
    const search = async (namespace: string, Context = 'allocs') =>
      (await server.call('PUT', `/v1/search?namespace=${namespace}`, { Prefix: '', Context })).json
    expect((await search('default')).Matches.allocs).toEqual([json.ID])
    expect((await search('other')).Matches.allocs).toEqual([])
    expect((await search('*')).Matches.allocs).toEqual([json.ID])
    expect(await search('default', 'jobs')).toEqual({
      Matches: { jobs: [] },
      Truncations: { jobs: false },
      Index: expect.any(Number),
      LastContact: 0,
      KnownLeader: true,
      NextToken: '',
    })
  })

  it('allocations and nodes are filtered and paged', async () => {
    await create('v2')
    const claimed = [await claim('v1', 'a'), await claim('v2', 'b')].map(({ json }) => json.ID).sort()
    const ids = async (path: string) => {
      const { json, headers } = await server.call('GET', path)
      return { ids: json.map(({ ID }: { ID: string }) => ID), next: headers.get('x-nomad-nexttoken') }
    }
    const filter = (text: string) => `filter=${encodeURIComponent(text)}`
    expect((await ids(`/v1/allocations?${filter('JobID == v2')}`)).ids).toHaveLength(1)
    const first = await ids('/v1/allocations?per_page=1')
    expect(first).toEqual({ ids: [claimed[0]], next: claimed[1] })
    const second = await ids(`/v1/allocations?per_page=1&next_token=${first.next}`)
    expect(second).toEqual({ ids: [claimed[1]], next: null })
    expect((await ids(`/v1/nodes?${filter('Attributes["unique.hostname"] is not empty')}`)).ids).toHaveLength(
      1,
    )
    expect((await ids(`/v1/nodes?${filter('Status == down')}`)).ids).toEqual([])
    expect((await ids('/v1/nodes?next_token=~')).ids).toEqual([])
    for (const path of ['/v1/allocations', '/v1/nodes', '/v1/plugins?type=csi', '/v1/namespaces']) {
      const refused = await server.call(
        'GET',
        `${path}${path.includes('?') ? '&' : '?'}${filter("ID == 'x'")}`,
      )
      expect([path, refused.status]).toEqual([path, 400])
    }
    const external = await server.call('GET', `/v1/volumes/external?plugin_id=disk&${filter('ID == x')}`)
    expect(external).toMatchObject({ status: 400, text: expect.stringContaining('no filter') })
  })

  it('is refused where the server has no mount root', async () => {
    await server.dispose()
    server = await startTestServer()
    await create('v1')
    expect(await claim('v1', 'a')).toMatchObject({
      status: 422,
      text: expect.stringContaining('--mount-root'),
    })
  })
})
