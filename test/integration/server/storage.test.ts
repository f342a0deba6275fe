import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTestServer, type TestServer, volumeBody } from '../../fakes/api-server.ts'

let server: TestServer

beforeAll(async () => {
  server = await startTestServer()
  for (const id of ['v1', 'v2']) await server.call('PUT', `/v1/volume/csi/${id}/create`, volumeBody(id))
})
afterAll(() => server.dispose())

describe('snapshots', () => {
  it.each([
    ['/v1/volumes/snapshot', { SourceVolumeID: 'v1', Name: 'a' }],
    ['/v1/volumes/snapshot/v1', { Name: 'b' }],
    ['/v1/volume/csi/v1/snapshot', { SourceVolumeID: 'v1', Name: 'c' }],
  ])('are created at %s', async (path, snapshot) => {
    const { status, json } = await server.call('PUT', path, { Snapshots: [snapshot] })
    expect(status).toBe(200)
    expect(json.Snapshots).toEqual([
      {
        ID: `snap-${snapshot.Name}`,
        Name: snapshot.Name,
        SourceVolumeID: 'v1',
        ExternalSourceVolumeID: expect.stringMatching(/^ext-/),
        PluginID: 'disk',
        SizeBytes: 1 << 20,
        CreateTime: 1_700_000_000,
        IsReady: true,
        Secrets: null,
        Parameters: null,
      },
    ])
  })

  it('are listed in pages, with the volume that they are of', async () => {
    const first = await server.call('GET', '/v1/volumes/snapshot?plugin_id=disk&per_page=2')
    expect(first.json).toMatchObject({ Snapshots: [{ SourceVolumeID: 'v1' }, {}], NextToken: '2' })
    const rest = await server.call('GET', '/v1/volumes/snapshot?plugin_id=dis&per_page=2&next_token=2')
    expect(rest.json).toMatchObject({ Snapshots: [{ ID: 'snap-c' }], NextToken: '' })
  })

  it('have one index, whoever reads them: readers of two namespaces do not wake each other', async () => {
    await server.call('PUT', '/v1/namespace/reader')
    const indexes = []
    for (const namespace of ['default', 'reader', 'default', 'reader']) {
      const path = `/v1/volumes/snapshot?plugin_id=disk&namespace=${namespace}`
      const { headers, json } = await server.call('GET', path)
      const own = namespace === 'default' ? 'v1' : ''
      expect(json.Snapshots[0]).toMatchObject({ SourceVolumeID: own })
      indexes.push(headers.get('x-nomad-index'))
    }
    expect(new Set(indexes).size).toBe(1)
  })

  it.each(['per_page=1', 'next_token=1'])('of a page (%s) have the index 0, as in Nomad', async (query) => {
    for (const list of ['external', 'snapshot']) {
      const { headers } = await server.call('GET', `/v1/volumes/${list}?plugin_id=disk&${query}`)
      expect([headers.get('x-nomad-index'), headers.get('x-nomad-knownleader')]).toEqual(['0', 'true'])
    }
  })

  it('that a plugin lists by secrets have no index to wait for', async () => {
    const header = { 'x-nomad-csi-secrets': 'user=one' }
    const path = '/v1/volumes/snapshot?plugin_id=disk'
    const { headers } = await server.call('GET', `${path}&index=5`, undefined, header)
    expect(headers.get('x-nomad-index')).toBe('0')
  })

  it('are deleted only at the plugin whose whole ID is given', async () => {
    const path = '/v1/volumes/snapshot?plugin_id=dis&snapshot_id=snap-a'
    expect(await server.call('DELETE', path)).toMatchObject({
      status: 400,
      text: 'no such plugin "dis": a delete takes the whole ID of the plugin',
    })
    expect(server.plugin.snapshots.has('snap-a')).toBe(true)
  })

  it('are deleted, twice if need be', async () => {
    const path = '/v1/volumes/snapshot?plugin_id=disk&snapshot_id=snap-a'
    expect(await server.call('DELETE', path)).toMatchObject({ status: 200, text: '' })
    expect((await server.call('DELETE', path)).status).toBe(200)
    expect(server.plugin.snapshots.has('snap-a')).toBe(false)
  })

  it.each([
    ['POST', '/v1/volumes/snapshot', { Snapshots: [{ SourceVolumeID: 'none', Name: 'x' }] }, 404],
    ['POST', '/v1/volumes/snapshot', { Snapshots: [{ SourceVolumeID: 'v1' }] }, 400],
    ['POST', '/v1/volumes/snapshot/v2', { Snapshots: [{ SourceVolumeID: 'v1', Name: 'x' }] }, 400],
    ['DELETE', '/v1/volumes/snapshot?plugin_id=disk', undefined, 400],
    ['DELETE', '/v1/volumes/snapshot?snapshot_id=x', undefined, 400],
    ['GET', '/v1/volumes/snapshot?plugin_id=none', undefined, 400],
    ['GET', '/v1/volumes/snapshot?plugin_id=disk&next_token=x', undefined, 400],
  ])('%s %s %j is %i', async (method, path, body, status) => {
    expect((await server.call(method, path, body)).status).toBe(status)
  })
})

describe('external volumes', () => {
  it('are listed in pages', async () => {
    const first = await server.call('GET', '/v1/volumes/external?plugin_id=disk&per_page=1')
    expect(first.json).toMatchObject({
      Volumes: [
        {
          ExternalID: expect.stringMatching(/^ext-/),
          CapacityBytes: 1 << 20,
          CloneID: '',
          IsAbnormal: false,
        },
      ],
      NextToken: '1',
    })
    const all = await server.call('GET', '/v1/volumes/external?plugin_id=disk')
    expect(all.json.Volumes).toHaveLength(2)
  })
})

describe('plugins', () => {
  it('are listed, and read with what they can do', async () => {
    const { json } = await server.call('GET', '/v1/plugins?type=csi&prefix=d')
    expect(json).toEqual([
      expect.objectContaining({
        ID: 'disk',
        ControllerRequired: true,
        ControllersHealthy: 1,
        NodesHealthy: 1,
      }),
    ])
    const plugin = await server.call('GET', '/v1/plugin/csi/disk')
    const [controller] = Object.values<object>(plugin.json.Controllers)
    expect(controller).toMatchObject({
      Healthy: true,
      ControllerInfo: {
        SupportsCreateDelete: true,
        SupportsAttachDetach: true,
        SupportsReadOnlyAttach: false,
      },
    })
    const [node] = Object.values<object>(plugin.json.Nodes)
    expect(node).toMatchObject({ NodeInfo: { ID: 'fake-node', MaxVolumes: 2n ** 63n - 1n } })
    expect(await server.call('GET', '/v1/plugin/csi/none')).toMatchObject({
      status: 404,
      text: 'plugin not found',
    })
  })
})

describe('namespaces', () => {
  it('are made, read and deleted, but not while they hold volumes', async () => {
    expect((await server.call('PUT', '/v1/namespaces', { Name: 'team', Description: 'ours' })).status).toBe(
      200,
    )
    expect((await server.call('GET', '/v1/namespace/team')).json).toMatchObject({
      Name: 'team',
      Description: 'ours',
    })
    await server.call('PUT', '/v1/volume/csi/v1/create?namespace=team', volumeBody('v1', { Name: 'team-v1' }))
    expect((await server.call('DELETE', '/v1/namespace/team')).status).toBe(409)
    await server.call('DELETE', '/v1/volume/csi/v1/delete?namespace=team')
    expect((await server.call('DELETE', '/v1/namespace/team')).status).toBe(200)
    expect((await server.call('GET', '/v1/namespace/team')).status).toBe(404)
    expect((await server.call('DELETE', '/v1/namespace/default')).status).toBe(400)
    expect((await server.call('PUT', '/v1/namespace/not%20valid')).status).toBe(400)
  })
})
