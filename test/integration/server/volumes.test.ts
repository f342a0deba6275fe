import { status } from '@grpc/grpc-js'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { startTestServer, type TestServer, volumeBody } from '../../fakes/api-server.ts'

let server: TestServer

beforeAll(async () => {
  server = await startTestServer()
})
afterAll(() => server.dispose())

const create = (id: string, fields = {}, query = '') =>
  server.call('PUT', `/v1/volume/csi/${encodeURIComponent(id)}/create${query}`, volumeBody(id, fields))
const read = (id: string, query = '') =>
  server.call('GET', `/v1/volume/csi/${encodeURIComponent(id)}${query}`)
const pluginCalls = (rpc: string) => server.plugin.calls.filter((call) => call.rpc === rpc)

beforeEach(() => {
  server.plugin.calls.length = 0
})

describe('Create', () => {
  it('makes the external volume and answers the record as Read has it', async () => {
    const created = await create('made', {
      RequestedCapacityMin: 5_000_000,
      MountOptions: { FSType: 'ext4', MountFlags: ['noatime'] },
      Parameters: { type: 'gp3' },
      Secrets: { password: 'hunter2' },
    })
    expect(created.status).toBe(200)
    const { json, headers } = await read('made')
    expect(created.json.Volumes).toEqual([json])
    expect(json).toMatchObject({
      ID: 'made',
      Namespace: 'default',
      PluginID: 'disk',
      Provider: 'fake.csi.mooring.dev',
      ProviderVersion: '1.2.3',
      Version: '1.2.3',
      Capacity: 5_000_000,
      RequestedCapacityMin: 5_000_000,
      Secrets: null,
      MountOptions: { FSType: 'ext4', MountFlags: ['[REDACTED]'] },
      Parameters: { type: 'gp3' },
      Context: { pool: 'fake' },
      Schedulable: true,
      ControllersHealthy: 1,
      NodesHealthy: 1,
      ReadAllocs: {},
      WriteAllocs: {},
    })
    expect(json.ExternalID).toMatch(/^ext-/)
    expect(Number(headers.get('x-nomad-index'))).toBeGreaterThanOrEqual(json.ModifyIndex)
    expect(headers.get('x-nomad-knownleader')).toBe('true')
    expect(pluginCalls('CreateVolume')[0]?.request).toMatchObject({ secrets: { password: 'hunter2' } })
  })

  it('refuses the same definition again with 409, secrets kept when they are not said', async () => {
    await create('same', { Secrets: { a: 'b' } })
    expect(await create('same', { Secrets: { a: 'b' } })).toMatchObject({
      status: 409,
      text: expect.stringMatching(/^volume "same" already exists, .*--registration=nomad/),
    })
    expect((await create('same')).status).toBe(409)
    expect((await create('same', { Secrets: { a: 'c' } })).status).toBe(200)
    expect(pluginCalls('CreateVolume')).toHaveLength(1)
  })

  it('grows a volume whose minimum was raised, and never shrinks one', async () => {
    await create('grow', { RequestedCapacityMin: 2_000_000 })
    const grown = await create('grow', { RequestedCapacityMin: 3_000_000 })
    expect(grown.json.Volumes[0]).toMatchObject({ Capacity: 3_000_000, RequestedCapacityMin: 3_000_000 })
    const lowered = await create('grow', { RequestedCapacityMin: 1_000_000 })
    expect(lowered.json.Volumes[0]).toMatchObject({ Capacity: 3_000_000, RequestedCapacityMin: 1_000_000 })
    const capped = await create('grow', { RequestedCapacityMax: 2_000_000 })
    expect(capped).toMatchObject({ status: 409, text: expect.stringContaining('less than or equal to') })
  })

  it.each([
    ['name', { Name: 'other' }, 'volume name cannot be updated'],
    ['parameters', { Parameters: { a: 'b' } }, 'volume parameters cannot be updated'],
    ['snapshot', { SnapshotID: 's' }, 'volume snapshot ID cannot be updated'],
    ['topology', { RequestedTopologies: { Required: [{ rack: 'R1' }] } }, 'volume topology request update'],
  ])('refuses another %s with 409 that names the field', async (field, change, text) => {
    await create(`immutable-${field}`, { Name: field })
    const answer = await create(`immutable-${field}`, { Name: field, ...change })
    expect(answer).toMatchObject({ status: 409, text: expect.stringContaining(text) })
  })

  it.each([
    ['no body', '', 'Request body is empty'],
    ['no volumes', { Volumes: [] }, 'missing volume definition'],
    ['null volume', { Volumes: [null] }, 'Volumes[0]'],
    ['broken JSON', '{"Volumes": [', 'not valid JSON'],
    ['a number for a name', volumeBody('bad', { Name: 7 }), 'Volumes[0].Name: want a string'],
    ['a fraction for bytes', volumeBody('bad', { RequestedCapacityMin: 1.5 }), 'want an integer'],
    ['text for bytes', volumeBody('bad', { RequestedCapacityMin: '1GiB' }), 'want an integer'],
    ['no plugin', volumeBody('bad', { PluginID: '' }), 'missing plugin id'],
    ['an unknown plugin', volumeBody('bad', { PluginID: 'x' }), 'no CSI plugin named: x could be found'],
    ['no capability', volumeBody('bad', { RequestedCapabilities: null }), 'at least one capability block'],
    [
      'an unknown mode',
      volumeBody('bad', { RequestedCapabilities: [{ AccessMode: 'x' }] }),
      'unknown volume access mode',
    ],
    [
      'both sources',
      volumeBody('bad', { SnapshotID: 'a', CloneID: 'b' }),
      'only one of snapshot_id and clone_id',
    ],
    ['another ID than the path', volumeBody('other'), 'is not the "bad" of the path'],
    ['no name', volumeBody('bad', { Name: '' }), 'missing Name'],
    ['an external ID', volumeBody('bad', { ExternalID: 'e' }), 'ExternalID cannot be chosen'],
    ['an unknown namespace', volumeBody('bad', { Namespace: 'nowhere' }), 'nonexistent namespace nowhere'],
    [
      'a limit below the minimum',
      volumeBody('bad', { RequestedCapacityMin: 2, RequestedCapacityMax: 1 }),
      'LimitBytes',
    ],
    [
      'an empty topology',
      volumeBody('bad', { RequestedTopologies: { Required: [{}] } }),
      'missing segments field',
    ],
  ])('refuses %s with 400 before the plugin is called', async (_case, body, text) => {
    const answer = await server.call('PUT', '/v1/volume/csi/bad/create', body)
    expect(answer).toMatchObject({ status: 400, text: expect.stringContaining(text) })
    expect(answer.headers.get('content-type')).toBe('text/plain; charset=utf-8')
    expect(server.plugin.calls).toEqual([])
  })

  it.each([
    [status.INVALID_ARGUMENT, 422],
    [status.ALREADY_EXISTS, 422],
    [status.RESOURCE_EXHAUSTED, 422],
    [status.OUT_OF_RANGE, 422],
    [status.INTERNAL, 502],
  ])('answers gRPC code %i of the plugin with %i and its text, and keeps nothing', async (code, wanted) => {
    server.plugin.failNext('CreateVolume', { code, details: 'because of 404' })
    const answer = await create('refused')
    expect(answer).toMatchObject({ status: wanted, text: expect.stringContaining('desc = because of 4%304') })
    expect((await read('refused')).status).toBe(404)
    expect((await create('refused')).status).toBe(200)
    await server.call('DELETE', '/v1/volume/csi/refused/delete')
  })

  it('takes names without case, topologies flat, POST for PUT, and an ID of any characters', async () => {
    const id = 'data[0] ü/% 404'
    const answer = await server.call('POST', `/v1/volume/csi/${encodeURIComponent(id)}/create`, {
      volumes: [
        {
          id,
          NAME: 'odd',
          pluginid: 'disk',
          requestedcapabilities: [{ accessmode: 'single-node-writer', attachmentmode: 'block-device' }],
          requestedTopologies: { required: [{ rack: 'R1' }], preferred: [{ segments: { rack: 'R2' } }] },
          unknownField: 1,
        },
      ],
    })
    expect(answer.status).toBe(200)
    expect((await read(id)).json).toMatchObject({
      ID: id,
      RequestedTopologies: {
        Required: [{ Segments: { rack: 'R1' } }],
        Preferred: [{ Segments: { rack: 'R2' } }],
      },
    })
    expect(await create(id, { Name: 'even' })).toMatchObject({
      status: 409,
      text: expect.not.stringContaining('404'),
    })
  })

  it('keeps integers of 64 bits exact', async () => {
    const bytes = 2n ** 62n + 1n
    const body = JSON.stringify(volumeBody('big')).replace('"ID"', `"RequestedCapacityMin":${bytes},"ID"`)
    await server.call('PUT', '/v1/volume/csi/big/create', body)
    expect((await read('big')).json).toMatchObject({ RequestedCapacityMin: bytes, Capacity: bytes })
  })

  it('refuses a name that belongs to the external volume of another record', async () => {
    await create('first', { Name: 'shared' })
    expect(await create('second', { Name: 'shared' })).toMatchObject({
      status: 409,
      text: expect.stringContaining('registered as "first"'),
    })
    expect((await read('second')).status).toBe(404)
  })

  it('makes one volume of many equal requests at once', async () => {
    const answers = await Promise.all(Array.from({ length: 5 }, () => create('crowd')))
    expect(answers.map((answer) => answer.status).sort()).toEqual([200, 409, 409, 409, 409])
    expect(pluginCalls('CreateVolume')).toHaveLength(1)
  })
})

describe('Register', () => {
  const register = (id: string, fields = {}) =>
    server.call('PUT', `/v1/volume/csi/${id}`, volumeBody(id, fields))

  it('records an external volume that the plugin confirms, with its capacity', async () => {
    server.plugin.volumes.set('there', { id: 'there', name: 'there', capacityBytes: 123n })
    const answer = await register('recorded', { ExternalID: 'there', Context: { a: 'b' } })
    expect(answer.status).toBe(200)
    expect(answer.json.Volumes[0]).toMatchObject({ ExternalID: 'there', Capacity: 123, Context: { a: 'b' } })
    expect(pluginCalls('CreateVolume')).toEqual([])
    expect(await register('recorded', { ExternalID: 'there' })).toMatchObject({ status: 409 })
    // An update asks whether the volume can serve, and not again how large it is.
    expect((await register('recorded', { ExternalID: 'there', Context: { a: 'c' } })).status).toBe(200)
    expect(pluginCalls('ValidateVolumeCapabilities')).toHaveLength(2)
    expect(pluginCalls('ControllerGetVolume')).toHaveLength(1)
  })

  it('needs an external ID, and says where to create', async () => {
    expect(await register('nothing')).toMatchObject({
      status: 400,
      text: expect.stringContaining('/v1/volume/csi/nothing/create'),
    })
  })

  it('refuses what the plugin does not have', async () => {
    expect(await register('absent', { ExternalID: 'absent' })).toMatchObject({
      status: 422,
      text: expect.stringContaining('code = NotFound'),
    })
  })

  it('writes all volumes of a request or none', async () => {
    server.plugin.volumes.set('both', { id: 'both', name: 'both', capacityBytes: 1n })
    const {
      Volumes: [good],
    } = volumeBody('good', { ExternalID: 'both' })
    const {
      Volumes: [bad],
    } = volumeBody('bad', { ExternalID: 'no-such' })
    expect((await server.call('PUT', '/v1/volumes', { Volumes: [good, bad] })).status).toBe(422)
    expect((await read('good')).status).toBe(404)
    expect((await server.call('POST', '/v1/volumes', { Volumes: [good] })).status).toBe(200)
  })
})

describe('Deregister and Delete', () => {
  it('Deregister drops the record and leaves the external volume', async () => {
    await create('dropped')
    const before = server.plugin.volumes.size
    const answer = await server.call('DELETE', '/v1/volume/csi/dropped')
    expect(answer).toMatchObject({ status: 200, text: '' })
    expect(server.plugin.volumes.size).toBe(before)
    expect(await server.call('DELETE', '/v1/volume/csi/dropped')).toMatchObject({
      status: 404,
      text: 'volume not found: dropped',
    })
    expect((await server.call('DELETE', '/v1/volume/csi/dropped?force=maybe')).status).toBe(400)
  })

  it('Delete deletes the external volume with stored secrets and those of the header', async () => {
    await create('deleted', { Secrets: { a: '1', b: '2' } })
    const answer = await server.call('DELETE', '/v1/volume/csi/deleted/delete', undefined, {
      'x-nomad-csi-secrets': 'b=3,broken,c=x=y',
    })
    expect(answer).toMatchObject({ status: 200, text: '' })
    expect(pluginCalls('DeleteVolume')[0]?.request).toMatchObject({ secrets: { a: '1', b: '3', c: 'x=y' } })
    expect((await read('deleted')).status).toBe(404)
  })

  it('Delete keeps the record where the plugin says that the volume is in use', async () => {
    await create('held')
    server.plugin.failNext('DeleteVolume', { code: status.FAILED_PRECONDITION, details: 'attached' })
    expect(await server.call('DELETE', '/v1/volume/csi/held/delete')).toMatchObject({
      status: 409,
      text: expect.stringContaining('in use'),
    })
    expect((await read('held')).status).toBe(200)
  })

  it('Delete does not reach an external volume that another record shares', async () => {
    await create('original')
    const { ExternalID } = (await read('original')).json
    await server.call('PUT', '/v1/volume/csi/copy', volumeBody('copy', { ExternalID }))
    expect((await server.call('DELETE', '/v1/volume/csi/copy/delete')).status).toBe(409)
    expect(pluginCalls('DeleteVolume')).toEqual([])
  })
})

describe('List', () => {
  beforeAll(async () => {
    await server.call('PUT', '/v1/namespace/list-a')
    await server.call('PUT', '/v1/namespaces', { Name: 'list-a-b' })
    for (const id of ['x2', 'x1', 'y1']) await create(id, { Namespace: 'list-a', Name: `a-${id}` })
    await create('x1', { Namespace: 'list-a-b', Name: 'b-x1' })
  })
  const list = (query: string) => server.call('GET', `/v1/volumes?type=csi&${query}`)
  const names = ({ json }: { json: { Namespace: string; ID: string }[] }) =>
    json.map(({ Namespace, ID }) => `${Namespace}/${ID}`)

  it.each([
    ['one namespace in order', 'namespace=list-a', ['list-a/x1', 'list-a/x2', 'list-a/y1']],
    ['a prefix', 'namespace=list-a&prefix=x', ['list-a/x1', 'list-a/x2']],
    [
      'a plugin and a prefix in every namespace',
      'namespace=*&plugin_id=di&prefix=x',
      ['list-a/x1', 'list-a/x2', 'list-a-b/x1'],
    ],
    ['a plugin that is not there', 'namespace=list-a&plugin_id=none', []],
    ['a namespace that is not there', 'namespace=none', []],
  ])('gives %s', async (_case, query, wanted) => {
    expect(names(await list(query))).toEqual(wanted)
  })

  it('pages in the order of namespaces and IDs, each volume once', async () => {
    const seen: string[] = []
    let token: string | null = ''
    do {
      const page = await list(`namespace=*&prefix=x&per_page=1&next_token=${encodeURIComponent(token ?? '')}`)
      seen.push(...names(page))
      token = page.headers.get('x-nomad-nexttoken')
    } while (token)
    expect(seen).toEqual(['list-a/x1', 'list-a/x2', 'list-a-b/x1'])
  })

  it('answers a list of host volumes with none, an unknown type with 404, and no type with []', async () => {
    expect(await server.call('GET', '/v1/volumes?type=host')).toMatchObject({ status: 200, text: '[]' })
    expect((await server.call('GET', '/v1/volumes?type=odd')).status).toBe(404)
    expect((await server.call('GET', '/v1/volumes')).text).toBe('[]')
  })

  it.each(['index=x', 'index=-1', 'wait=5', 'per_page=x', 'stale=maybe', 'next_token=%25'])(
    'refuses %s with 400',
    async (query) => {
      expect((await list(query)).status).toBe(400)
    },
  )
})
