import { status } from '@grpc/grpc-js'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTestServer, type TestServer, volumeBody } from '../../fakes/api-server.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
  server.plugin.topology = true
  await server.restart()
})
afterAll(() => server.dispose())

const create = (id: string, fields = {}) =>
  server.call('PUT', `/v1/volume/csi/${id}/create`, volumeBody(id, fields))
const read = async (id: string) => (await server.call('GET', `/v1/volume/csi/${id}`)).json
const lastRequest = (rpc: string) =>
  server.plugin.calls.findLast((call) => call.rpc === rpc)?.request as Record<string, unknown>

describe('a namespace', () => {
  const put = (path: string, body?: unknown) => server.call('PUT', path, body)
  const get = async (name: string) => (await server.call('GET', `/v1/namespace/${name}`)).json
  const team = {
    Name: 'team',
    Description: 'ours',
    Meta: { owner: 'us' },
    Capabilities: { EnabledTaskDrivers: ['docker'], DisabledTaskDrivers: ['raw_exec'] },
    NodePoolConfiguration: { Default: 'gpu', Allowed: ['gpu'] },
  }

  it('keeps everything that it is given', async () => {
    expect((await put('/v1/namespace', team)).status).toBe(200)
    expect(await get('team')).toMatchObject(team)
    expect((await server.call('GET', '/v1/namespaces?prefix=team')).json[0]).toMatchObject(team)
  })

  it('is not changed by a body that says nothing of it', async () => {
    await put('/v1/namespace', team)
    const before = await get('team')
    expect((await put('/v1/namespace/team', {})).status).toBe(400)
    expect((await put('/v1/namespace', {})).status).toBe(400)
    expect((await put('/v1/namespace')).status).toBe(400)
    expect((await put('/v1/namespace/team')).status).toBe(200)
    expect((await put('/v1/namespace/team', team)).status).toBe(200)
    expect(await get('team')).toEqual(before)
  })

  it('can be written as it was read', async () => {
    await put('/v1/namespace', team)
    const before = await get('team')
    expect((await put('/v1/namespace/team', before)).status).toBe(200)
    expect(await get('team')).toEqual(before)
  })

  it.each([
    [
      'a description that is too long',
      { Name: 'long', Description: 'ä'.repeat(129) },
      'description longer than 256',
    ],
    ['a quota, which nothing enforces', { Name: 'quota', Quota: 'small' }, 'quota'],
    ['another name than the path has', { Name: 'other' }, 'does not match request path'],
  ])('is refused with %s', async (_what, body, text) => {
    const path = body.Name === 'other' ? '/v1/namespace/this' : '/v1/namespace'
    expect(await put(path, body)).toMatchObject({ status: 400, text: expect.stringContaining(text) })
    expect((await server.call('GET', `/v1/namespace/${body.Name}`)).status).toBe(404)
  })
})

describe('a volume that was read', () => {
  it.each(['', '/create'])('can be written as it is (%s)', async (rest) => {
    const id = `round${rest.length}`
    await create(id, {
      RequestedTopologies: { Required: [{ Segments: { rack: 'R1' } }] },
      MountOptions: { FSType: 'ext4', MountFlags: ['noatime'] },
      Secrets: { a: 'b' },
      Parameters: { p: 'q' },
      RequestedCapacityMin: 1 << 20,
    })
    const before = await read(id)
    const answer = await server.call('PUT', `/v1/volume/csi/${id}${rest}`, { Volumes: [before] })
    expect(answer).toMatchObject({ status: 409, text: expect.stringContaining('already exists') })
    const changed = { Volumes: [{ ...before, Context: { changed: 'yes' } }] }
    expect((await server.call('PUT', `/v1/volume/csi/${id}${rest}`, changed)).status).toBe(200)
    const after = await read(id)
    expect(after).toMatchObject({
      Topologies: before.Topologies,
      RequestedTopologies: before.RequestedTopologies,
      MountOptions: { MountFlags: ['[REDACTED]'] },
    })
  })

  it('from Nomad, with nulls among its topologies, is taken', async () => {
    server.plugin.volumes.set('nomads', { id: 'nomads', name: 'nomads', capacityBytes: 1n })
    const fromNomad = {
      ExternalID: 'nomads',
      Topologies: [null, { Segments: { rack: 'R1' } }],
      RequestedTopologies: { Required: [null, { Segments: { rack: 'R1' } }], Preferred: null },
      Secrets: null,
      Allocations: null,
      ReadAllocs: {},
      WriteAllocs: null,
      ResourceExhausted: '0001-01-01T00:00:00Z',
      CreateTime: 0,
    }
    const answer = await server.call('PUT', '/v1/volume/csi/nomads', volumeBody('nomads', fromNomad))
    expect(answer).toMatchObject({
      status: 200,
      json: {
        Volumes: [
          {
            Topologies: [{ Segments: { rack: 'R1' } }],
            RequestedTopologies: { Required: [{ Segments: { rack: 'R1' } }], Preferred: [] },
          },
        ],
      },
    })
  })

  it('cannot define another volume by flags that nobody can see', async () => {
    server.plugin.volumes.set('hidden', { id: 'hidden', name: 'hidden', capacityBytes: 1n })
    const flags = { MountOptions: { MountFlags: ['[REDACTED]'] } }
    for (const [rest, fields] of [
      ['', { ExternalID: 'hidden', ...flags }],
      ['/create', flags],
    ] as const) {
      const answer = await server.call('PUT', `/v1/volume/csi/hidden${rest}`, volumeBody('hidden', fields))
      expect(answer).toMatchObject({ status: 400, text: expect.stringContaining('MountFlags') })
    }
  })
})

describe('Create', () => {
  it('takes Topologies, as the public page has them, for the places that are asked for', async () => {
    const wanted = [{ Segments: { foo: 'bar' } }]
    const answer = await create('placed', { Topologies: [{ foo: 'bar' }] })
    expect(answer.json.Volumes[0].RequestedTopologies).toEqual({ Required: wanted, Preferred: [] })
    expect(lastRequest('CreateVolume').accessibilityRequirements).toMatchObject({
      requisite: [{ segments: { foo: 'bar' } }],
    })
    expect((await create('placed', { Topologies: [{ foo: 'bar' }] })).text).toContain('already exists')
    const elsewhere = await create('placed', { Topologies: [{ foo: 'elsewhere' }] })
    expect(elsewhere).toMatchObject({ status: 409, text: expect.stringContaining('topology') })
  })

  it('makes several volumes, of which the path names one', async () => {
    const body = { Volumes: [...volumeBody('two').Volumes, ...volumeBody('three').Volumes] }
    const answer = await server.call('PUT', '/v1/volume/csi/two/create', body)
    expect(answer.json.Volumes.map(({ ID }: { ID: string }) => ID)).toEqual(['two', 'three'])
    expect((await server.call('PUT', '/v1/volume/csi/four/create', body)).status).toBe(400)
  })

  it('makes none of several where one of them is wrong, and ends at the first that the plugin refuses', async () => {
    const [four] = volumeBody('four').Volumes
    const wrong = { Volumes: [four, { ...four, ID: 'five', Name: '' }] }
    expect((await server.call('PUT', '/v1/volume/csi/four/create', wrong)).status).toBe(400)
    expect((await server.call('GET', '/v1/volume/csi/four')).status).toBe(404)
    const refuse = { code: status.OUT_OF_RANGE, details: 'too large' }
    server.plugin.failNext('CreateVolume', refuse)
    const refused = { Volumes: [four, { ...four, ID: 'five', Name: 'five' }] }
    expect((await server.call('PUT', '/v1/volume/csi/four/create', refused)).status).toBe(422)
    expect((await server.call('GET', '/v1/volume/csi/five')).status).toBe(404)
  })

  it('says what the plugin says, and not that the source does not fit', async () => {
    const details = 'volume_capabilities: a volume is a directory or a block device, not both'
    server.plugin.failNext('CreateVolume', { code: status.INVALID_ARGUMENT, details })
    const { text } = await create('refused', { SnapshotID: 'snap-12345' })
    expect(text).toContain(`rpc error: code = InvalidArgument desc = ${details}`)
    expect(text).toContain('from snapshot "snap-12345"')
    expect(text).not.toContain('not compatible')
  })

  it("refuses the public page's own sample by the place of its trailing comma", async () => {
    const sample = '{\n  "Volumes": [{\n    "ID": "x",\n    "MountFlags": ["rw"],\n  }]\n}'
    expect(await server.call('PUT', '/v1/volume/csi/x/create', sample)).toMatchObject({
      status: 400,
      text: expect.stringMatching(
        /^Request body is not valid JSON: line 4, column 25: there is a comma before "}"/,
      ),
    })
  })

  it.each([
    ['a number with an exponent', '{"Volumes":[{"ID":"x","PluginID":"disk","RequestedCapacityMin":1e6}]}'],
    ['a name twice', '{"Volumes":[{"ID":"x","ID":"y"}]}'],
    ['a name twice in another case', '{"Volumes":[{"ID":"x","id":"y"}]}'],
  ])('refuses %s', async (_what, body) => {
    expect((await server.call('PUT', '/v1/volume/csi/x/create', body)).status).toBe(400)
  })
})

it('a key __proto__ is a key like any other, in every map of a body', async () => {
  const map = '{"__proto__":"x","constructor":"y"}'
  const body = `{"__proto__":{"ID":"z"},"Volumes":[{"ID":"proto","Name":"proto","PluginID":"disk",
    "RequestedCapabilities":[{"AccessMode":"single-node-writer","AttachmentMode":"file-system","__proto__":{}}],
    "RequestedTopologies":{"Required":[{"Segments":${map}}]},"Parameters":${map},"Secrets":${map},"Context":{}}]}`
  expect((await server.call('PUT', '/v1/volume/csi/proto/create', body)).status).toBe(200)
  const keys = (value: unknown) => Object.keys(value as object).sort()
  const wanted = ['__proto__', 'constructor']
  const volume = await read('proto')
  expect(keys(volume.Parameters)).toEqual(wanted)
  expect(keys(volume.RequestedTopologies.Required[0].Segments)).toEqual(wanted)
  const sent = server.plugin.calls.findLast(({ rpc }) => rpc === 'CreateVolume')?.request as {
    secrets: object
  }
  expect(keys(sent.secrets)).toContain('constructor')
  const namespace = `{"Name":"proto","Meta":${map}}`
  expect((await server.call('PUT', '/v1/namespace', namespace)).status).toBe(200)
  expect(keys((await server.call('GET', '/v1/namespace/proto')).json.Meta)).toEqual(wanted)
  await server.restart()
  expect(keys((await read('proto')).Parameters)).toEqual(wanted)
  expect(Object.hasOwn(Object.prototype, 'ID')).toBe(false)
  const filter = encodeURIComponent('Parameters["__proto__"] == x')
  const found = await server.call('GET', `/v1/volumes?type=csi&filter=${filter}`)
  expect(found.json).toMatchObject([{ ID: 'proto' }])
})

it.each([
  ['DELETE', '/v1/volumes', 'GET, PUT, POST'],
  ['GET', '/v1/volume/csi/x/create', 'PUT, POST'],
  ['PUT', '/v1/plugins', 'GET'],
  ['PATCH', '/v1/volume/csi/x', 'GET, PUT, POST, DELETE'],
])('%s %s is refused with the methods that are allowed', async (method, path, allowed) => {
  const answer = await server.call(method, path)
  expect([answer.status, answer.headers.get('allow')]).toEqual([405, allowed])
})
