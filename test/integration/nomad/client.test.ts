import { createServer, type Server, type Socket } from 'node:net'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { systemClock } from '../../../src/lib/clock.ts'
import { UsageError } from '../../../src/lib/errors.ts'
import { stringifyJSON } from '../../../src/lib/json.ts'
import { provesAbsence } from '../../../src/lib/partial-map.ts'
import { createNomadClient, type NomadClient, type NomadClientOptions } from '../../../src/nomad/client.ts'
import type { VolumeRequest } from '../../../src/wire/volume.ts'
import {
  anExternalVolume,
  aPlugin,
  aPluginStub,
  aSnapshot,
  aVolume,
  aVolumeStub,
} from '../../builders/nomad.ts'
import { type Answerer, type FakeServer, startHttpServer } from '../../fakes/http-server.ts'

const closers: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

function clientOf(address: string, options: Partial<NomadClientOptions> = {}): NomadClient {
  const client = createNomadClient({ address, clock: systemClock, ...options })
  closers.push(client.close)
  return client
}

async function startBoth(
  answer: Answerer,
  options: Partial<NomadClientOptions> = {},
): Promise<{ server: FakeServer; client: NomadClient }> {
  const server = await startHttpServer(answer)
  closers.push(server.close)
  return { server, client: clientOf(server.address, options) }
}

/** A server below HTTP, for what no HTTP server would do. */
async function startTcpServer(onConnection: (socket: Socket) => void): Promise<string> {
  const sockets = new Set<Socket>()
  const server: Server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    onConnection(socket)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closers.push(
    () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy()
        server.close(resolve)
      }),
  )
  const address = server.address()
  return typeof address === 'object' && address ? `http://127.0.0.1:${address.port}` : ''
}

const request: VolumeRequest & { Namespace: string } = {
  ID: 'data[0]',
  Namespace: 'prod',
  Name: 'data-0',
  PluginID: 'ebs',
  RequestedCapacityMin: 9_007_199_254_740_993n,
  RequestedCapabilities: [{ AccessMode: 'single-node-writer', AttachmentMode: 'file-system' }],
  Secrets: { key: 'hunter2' },
}
const ok = () => ({ body: '' })

describe('writes', () => {
  it('puts a volume where Nomad takes it, with integers exact', async () => {
    const { server, client } = await startBoth(ok, { token: 'secret-id', region: 'eu' })
    await client.createVolume(request)
    await client.registerVolume(request)
    expect(server.requests).toMatchObject([
      { method: 'PUT', path: '/v1/volume/csi/data[0]/create' },
      { method: 'PUT', path: '/v1/volume/csi/data[0]' },
    ])
    for (const { query, headers, body } of server.requests) {
      expect(Object.fromEntries(query)).toEqual({ region: 'eu', namespace: 'prod' })
      expect(headers).toMatchObject({ 'x-nomad-token': 'secret-id', 'content-type': 'application/json' })
      expect(body).toBe(stringifyJSON({ Volumes: [request] }))
      expect(body).toContain('9007199254740993')
    }
  })

  it('deregisters without force, and deletes with the secrets in their header', async () => {
    const { server, client } = await startBoth(ok)
    await client.deregisterVolume('prod', 'data')
    await client.deleteVolume('prod', 'data', { user: 'me', key: 'a=b' })
    await client.deleteSnapshot('ebs', 'snap/1', {})
    expect(server.requests).toMatchObject([
      { method: 'DELETE', path: '/v1/volume/csi/data' },
      { method: 'DELETE', path: '/v1/volume/csi/data/delete' },
      { method: 'DELETE', path: '/v1/volumes/snapshot' },
    ])
    expect(server.requests.map(({ query }) => Object.fromEntries(query))).toEqual([
      { namespace: 'prod' },
      { namespace: 'prod' },
      { plugin_id: 'ebs', snapshot_id: 'snap/1' },
    ])
    expect(server.requests.map(({ headers }) => headers['x-nomad-csi-secrets'])).toEqual([
      undefined,
      'user=me,key=a=b',
      undefined,
    ])
  })

  it('detaches a node by its whole ID, and knows the failure that every release of Nomad has', async () => {
    const { server, client } = await startBoth(ok)
    await client.detachVolume('prod', 'data[0]', '8f3c-node')
    expect(server.requests).toMatchObject([{ method: 'DELETE', path: '/v1/volume/csi/data[0]/detach' }])
    expect(Object.fromEntries(server.requests[0]?.query ?? [])).toEqual({
      namespace: 'prod',
      node: '8f3c-node',
    })

    const nomad = await startBoth(() => ({ status: 500, body: 'rpc error: Unknown allocation ""' }))
    await expect(nomad.client.detachVolume('prod', 'data', '8f3c-node')).rejects.toMatchObject({
      kind: 'waiting',
      reason: 'DetachUnsupported',
    })
  })

  it('takes what is not there for deleted (nomad#24756)', async () => {
    const { client } = await startBoth(({ path }) => ({
      status: 500,
      body: path.endsWith('snapshot')
        ? '1 error occurred:\n\t* could not delete "s": rpc error: code = NotFound desc = none\n\n'
        : 'volume not found: data',
    }))
    await client.deregisterVolume('prod', 'data')
    await client.deleteVolume('prod', 'data', {})
    await client.deleteSnapshot('ebs', 's', {})
  })

  it('gives the snapshot that was made', async () => {
    const { server, client } = await startBoth(() => ({ body: { Snapshots: [aSnapshot('s-1')], Index: 0 } }))
    const snapshot = await client.createSnapshot('prod', { SourceVolumeID: 'data', Name: 'nightly' })
    expect(snapshot.ID).toBe('s-1')
    expect(server.requests).toMatchObject([
      {
        method: 'PUT',
        path: '/v1/volumes/snapshot',
        body: '{"Snapshots":[{"SourceVolumeID":"data","Name":"nightly"}]}',
      },
    ])
  })

  it.each([
    ['nothing', ''],
    ['no snapshot', { Snapshots: null }],
    ['something else', { Snapshots: [{ ID: 1 }] }],
  ])('is in doubt about a snapshot when the answer holds %s', async (_title, body) => {
    const { client } = await startBoth(() => ({ body }))
    await expect(
      client.createSnapshot('prod', { SourceVolumeID: 'data', Name: 'nightly' }),
    ).rejects.toMatchObject({ kind: 'ambiguous', reason: 'InvalidAnswer' })
  })

  it('keeps secrets that a plugin repeats out of the error', async () => {
    const { client } = await startBoth(() => ({
      status: 500,
      body: 'x: rpc error: code = InvalidArgument desc = key "hunter2" is too short',
    }))
    const error = await client.createVolume(request).catch((caught: unknown) => caught)
    expect(error).toMatchObject({
      reason: 'InvalidArgument',
      message:
        'create volume "data[0]" in namespace "prod": the plugin answered InvalidArgument: key "***stripped***" is too short',
    })
    expect(JSON.stringify(error, Object.getOwnPropertyNames(error))).not.toContain('hunter2')
  })
})

describe('connections', () => {
  it('knows that nothing was done where nothing listens', async () => {
    const server = await startHttpServer(ok)
    await server.close()
    await expect(clientOf(server.address).createVolume(request)).rejects.toMatchObject({
      kind: 'transient',
      reason: 'NomadUnreachable',
      message: expect.stringContaining(`nothing listens at ${server.address}`),
    })
  })

  it.each([
    ['before an answer', ''],
    ['within the header of the answer', 'HTTP/1.1 200 OK\r\ncontent-le'],
    ['within the body of the answer', 'HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{"Volumes":'],
  ])('is in doubt about a write that is cut %s, and does not repeat it', async (_title, beginning) => {
    let connections = 0
    const address = await startTcpServer((socket) => {
      connections += 1
      socket.once('data', () => socket.end(beginning))
    })
    const client = clientOf(address)
    await expect(client.createVolume(request)).rejects.toMatchObject({
      kind: 'ambiguous',
      reason: 'AnswerLost',
    })
    expect(connections).toBe(1)
    await expect(client.readVolume('prod', 'data')).rejects.toMatchObject({
      kind: 'transient',
      reason: 'NomadUnreachable',
    })
  })

  it('is in doubt about a write that is answered with something else than HTTP', async () => {
    const address = await startTcpServer((socket) => socket.once('data', () => socket.end('SSH-2.0\r\n')))
    await expect(clientOf(address).createVolume(request)).rejects.toMatchObject({ kind: 'ambiguous' })
  })

  it('is in doubt about a write without an answer in time', async () => {
    // Long enough for a busy machine to connect and send.
    const { client } = await startBoth(() => undefined, { timeouts: { writeMs: 500, readMs: 500 } })
    await expect(client.createVolume(request)).rejects.toMatchObject({
      kind: 'ambiguous',
      reason: 'AnswerLost',
      message: 'create volume "data[0]" in namespace "prod": no answer within 0.5 s',
    })
    await expect(client.readVolume('prod', 'data')).rejects.toMatchObject({ kind: 'transient' })
  })

  it('cuts an answer that drips without end', async () => {
    const { client } = await startBoth(
      (_request, response) => {
        response.write('[')
        return undefined
      },
      { timeouts: { readMs: 50 } },
    )
    await expect(client.listPlugins()).rejects.toMatchObject({
      kind: 'transient',
      reason: 'NomadUnreachable',
    })
  })

  it('stops at the signal, in doubt only about what was sent', async () => {
    const { server, client } = await startBoth(() => undefined)
    const abort = new AbortController()
    const lost = client.createVolume(request, abort.signal)
    await vi.waitFor(() => expect(server.requests).toHaveLength(1))
    abort.abort()
    await expect(lost).rejects.toMatchObject({
      kind: 'ambiguous',
      message: expect.stringContaining('interrupted'),
    })
    await expect(client.createVolume(request, abort.signal)).rejects.toMatchObject({ kind: 'transient' })
    expect(server.requests).toHaveLength(1)
  })

  it('sends writes that follow each other on one connection, and none on one that stood idle', async () => {
    const peers = new Set<number | undefined>()
    const { server, client } = await startBoth(({ method }, response) => {
      if (method === 'PUT') peers.add(response.socket?.remotePort)
      return { body: method === 'PUT' ? '' : [] }
    })
    for (let write = 0; write < 10; write++) await client.createVolume(request)
    const used = peers.size
    expect(used).toBeLessThan(5)
    // Before the server would close it.
    await vi.waitFor(async () => expect(await server.connections()).toBe(0), { timeout: 3000 })
    await client.createVolume(request)
    expect(peers.size).toBe(used + 1)
  })

  it('leaves no connection behind', async () => {
    const { server, client } = await startBoth(() => undefined)
    const lost = client.listPlugins().catch((error: unknown) => error)
    await vi.waitFor(() => expect(server.requests).toHaveLength(1))
    await client.close()
    expect(await lost).toMatchObject({ kind: 'transient' })
    await vi.waitFor(async () => expect(await server.connections()).toBe(0))
  })

  it.each(['', 'localhost:4646', 'ftp://localhost', 'not an address'])(
    'refuses the address %j',
    (address) => {
      expect(() => createNomadClient({ address, clock: systemClock })).toThrow(UsageError)
    },
  )

  it('keeps the path of an address', async () => {
    const server = await startHttpServer(() => ({ body: [] }))
    closers.push(server.close)
    await clientOf(`${server.address}/nomad/`).listPlugins()
    expect(server.requests[0]?.path).toBe('/nomad/v1/plugins')
  })
})

describe('reads', () => {
  it('reads a volume as Nomad gives it, nulls, unknown fields and great integers included', async () => {
    const volume = aVolume('data', { Capacity: 9_007_199_254_740_993n, ModifyIndex: 2n ** 64n - 1n })
    const { client } = await startBoth(() => ({ body: stringifyJSON({ ...volume, Later: { Field: [1] } }) }))
    expect(await client.readVolume('default', 'data')).toMatchObject(volume)
  })

  it('lists allocations of one namespace, and the nodes, those that drain among them', async () => {
    const { server, client } = await startBoth(({ path }) => ({
      body:
        path === '/v1/nodes'
          ? [
              { ID: 'n1', Status: 'ready', Datacenter: 'dc1' },
              { ID: 'n2', Status: 'ready', Drain: true },
            ]
          : [{ ID: 'a1', NodeID: 'n1', ClientStatus: 'lost', TaskStates: null }],
    }))
    expect((await client.listAllocations('prod')).get('a1')).toMatchObject({ ClientStatus: 'lost' })
    expect(await client.listNodes()).toEqual(
      new Map([
        ['n1', { Status: 'ready', Drain: false }],
        ['n2', { Status: 'ready', Drain: true }],
      ]),
    )
    expect(server.requests[0]?.query.get('namespace')).toBe('prod')
  })

  it('takes a refusal to list allocations for no proof that there are none', async () => {
    const { client } = await startBoth(() => ({ status: 403, body: 'Permission denied' }))
    await expect(client.listAllocations('prod')).rejects.toMatchObject({ reason: 'PermissionDenied' })
  })

  it('tells a volume or plugin that is not there from a route that is not there', async () => {
    const texts: Record<string, string> = {
      '/v1/volume/csi/gone': 'volume not found',
      '/v1/plugin/csi/gone': 'plugin not found',
      '/v1/namespace/gone': 'Namespace not found',
    }
    const { client } = await startBoth(({ path }) => ({ status: 404, body: texts[path] ?? '' }))
    expect(await client.readVolume('default', 'gone')).toBeUndefined()
    expect(await client.readPlugin('gone')).toBeUndefined()
    expect(await client.namespaceExists('gone')).toBe(false)
    for (const read of [
      client.readVolume('default', 'x'),
      client.readPlugin('x'),
      client.namespaceExists('x'),
    ]) {
      await expect(read).rejects.toMatchObject({ reason: 'UnsupportedByServer' })
    }
  })

  it('lists with the index of the table, and waits for a later one', async () => {
    const { server, client } = await startBoth(({ path }) => ({
      headers: { 'x-nomad-index': '18446744073709551615' },
      body: path === '/v1/plugins' ? [aPluginStub(aPlugin('ebs'))] : [aVolumeStub(aVolume('data'))],
    }))
    expect(await client.listVolumes('prod', { index: 41n, waitMs: 90_000 })).toMatchObject({
      items: [{ ID: 'data' }],
      index: 2n ** 64n - 1n,
    })
    expect(await client.listPlugins({ index: 41n, waitMs: 90_000 })).toMatchObject({ items: [{ ID: 'ebs' }] })
    expect(server.requests.map(({ path, query }) => [path, Object.fromEntries(query)])).toEqual([
      ['/v1/volumes', { type: 'csi', namespace: 'prod', index: '41', wait: '90000ms' }],
      ['/v1/plugins', { type: 'csi', index: '41', wait: '90000ms' }],
    ])
  })

  it('follows the pages of plugins to the end', async () => {
    const { server, client } = await startBoth(({ path, query }) => {
      const second = query.get('next_token') === 'two'
      const NextToken = second ? '' : 'two'
      return path === '/v1/volumes/external'
        ? { body: { Volumes: [anExternalVolume(second ? 'b' : 'a')], NextToken } }
        : { body: { Snapshots: second ? null : [aSnapshot('s')], NextToken } }
    })
    expect([...(await client.listExternalVolumes('ebs')).keys()]).toEqual(['a', 'b'])
    expect([...(await client.listSnapshots('ebs')).keys()]).toEqual(['s'])
    expect(server.requests.map(({ query }) => query.get('per_page'))).toEqual([null, null, null, null])
  })

  it('reads the page alone that showed an external volume last, and knows no more than that', async () => {
    let pages: Record<string, string[]> = { '': ['a', 'b'], two: ['c', 'd'] }
    const { server, client } = await startBoth(({ query }) => {
      const token = query.get('next_token') ?? ''
      const Volumes = (pages[token] ?? []).map((id) => anExternalVolume(id))
      return { body: { Volumes, NextToken: token === '' ? 'two' : '' } }
    })
    const find = (id: string) => client.findExternalVolume?.('ebs', id)
    expect(await find('c')).toBeUndefined()
    expect(server.requests).toHaveLength(0)
    await client.listExternalVolumes('ebs')
    expect(await find('c')).toMatchObject({ ExternalID: 'c' })
    expect(await find('a')).toMatchObject({ ExternalID: 'a' })
    expect(server.requests.slice(2).map(({ query }) => query.get('next_token'))).toEqual(['two', null])
    // It went, or stands on another page now: only the whole list shows which.
    pages = { '': ['a', 'c'], two: ['d'] }
    expect(await find('c')).toBeUndefined()
    expect(await find('unknown')).toBeUndefined()
    expect(server.requests).toHaveLength(5)
  })

  it('pass over an entry that cannot be read, and then prove the absence of nothing', async () => {
    const { CreateTime: _, ...undated } = aSnapshot('undated')
    const lists: Readonly<Record<string, unknown>> = {
      '/v1/volumes/external': { Volumes: [null, { ExternalID: 7 }, anExternalVolume('a')] },
      '/v1/volumes/snapshot': { Snapshots: [undated, { ...aSnapshot('null'), CreateTime: null }] },
      '/v1/volumes': [null, aVolumeStub(aVolume('data'))],
      '/v1/plugins': [aPluginStub(aPlugin('ebs')), null],
    }
    const { client } = await startBoth(({ path }) => ({
      body: stringifyJSON(lists[path.split('?')[0] ?? '']),
    }))
    const volumes = await client.listExternalVolumes('ebs')
    expect([...volumes.keys()]).toEqual(['a'])
    expect([provesAbsence(volumes, 'a'), provesAbsence(volumes, 'b')]).toEqual([false, false])
    const snapshots = await client.listSnapshots('ebs')
    expect([...snapshots.values()].map(({ ID, CreateTime }) => [ID, CreateTime])).toEqual([
      ['undated', 0],
      ['null', 0],
    ])
    expect(provesAbsence(snapshots, 'other')).toBe(true)
    expect((await client.listVolumes('default')).items).toHaveLength(1)
    expect((await client.listPlugins()).items).toHaveLength(1)
  })

  it('rejects a list whose second page fails, and one that goes round in a circle', async () => {
    const { client } = await startBoth(({ path, query }) => {
      if (path === '/v1/volumes/snapshot') return { body: { Snapshots: [], NextToken: 'again' } }
      return query.has('next_token')
        ? { status: 500, body: 'rpc error: code = Unknown desc = EOF' }
        : { body: { Volumes: [anExternalVolume('a')], NextToken: 'two' } }
    })
    await expect(client.listExternalVolumes('ebs')).rejects.toMatchObject({ kind: 'transient' })
    await expect(client.listSnapshots('ebs')).rejects.toMatchObject({ reason: 'PagingLoop' })
  })

  it.each([
    ['a page for people', '<html>welcome</html>', 'is this the address of a Nomad API?'],
    ['another shape', [{ ID: 'data' }], '/0 must have required properties'],
    [
      'a wrong type',
      [{ ...aVolumeStub(aVolume('data')), Schedulable: 'yes' }],
      '/0/Schedulable must be boolean',
    ],
  ])('rejects %s', async (_title, body, message) => {
    const { client } = await startBoth(() => ({ body }))
    await expect(client.listVolumes('default')).rejects.toMatchObject({
      kind: 'transient',
      reason: 'InvalidAnswer',
      message: expect.stringContaining(message),
    })
  })
})
