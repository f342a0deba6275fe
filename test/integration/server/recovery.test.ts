import { status } from '@grpc/grpc-js'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { UsageError } from '../../../src/lib/errors.ts'
import { silentLog } from '../../../src/lib/log.ts'
import { startServer } from '../../../src/server/server.ts'
import { startTestServer, type TestServer, volumeBody } from '../../fakes/api-server.ts'

let server: TestServer

beforeEach(async () => {
  server = await startTestServer({ probeIntervalMs: 50 })
})
afterEach(() => server.dispose())

const create = (id: string, fields = {}) =>
  server.call('PUT', `/v1/volume/csi/${id}/create`, volumeBody(id, fields))
const creates = () => server.plugin.calls.filter(({ rpc }) => rpc === 'CreateVolume')

/** A create whose external volume is made and whose answer never comes: the server is cut off meanwhile. */
async function loseAnswer(id: string) {
  server.plugin.failNext('CreateVolume', { after: 'hang' })
  const lost = create(id).catch(() => undefined)
  await vi.waitFor(() => expect(server.plugin.volumes.size).toBe(1), { timeout: 10_000 })
  await server.close()
  await lost
}

describe('a create that was cut short', () => {
  it('is finished by the next start, with the same request, before the server listens', async () => {
    await loseAnswer('cut')
    await server.restart()
    expect((await server.call('GET', '/v1/volume/csi/cut')).status).toBe(200)
    expect(server.plugin.volumes.size).toBe(1)
    const [first, second] = creates()
    expect(second?.request).toEqual(first?.request)
  })

  it('is finished in the background where the plugin is away at the start', async () => {
    await loseAnswer('late')
    await server.plugin.stop()
    await server.restart({ startTimeoutMs: 100 })
    expect((await server.call('GET', '/v1/volume/csi/late')).status).toBe(404)
    expect((await server.call('DELETE', '/v1/volume/csi/late')).status).toBe(409)
    await server.plugin.start()
    await vi.waitFor(async () => expect((await server.call('GET', '/v1/volume/csi/late')).status).toBe(200), {
      timeout: 10_000,
    })
    expect(server.plugin.volumes.size).toBe(1)
  })

  it('may be repeated as it was, and not otherwise', async () => {
    server.plugin.failNext('CreateVolume', { code: status.DEADLINE_EXCEEDED, details: 'too slow' })
    expect((await create('slow')).status).toBe(504)
    expect(await create('slow', { Parameters: { a: 'b' } })).toMatchObject({
      status: 409,
      text: expect.stringContaining('still being created'),
    })
    expect((await create('slow')).status).toBe(200)
    expect(creates()).toHaveLength(2)
  })

  it('goes on in the background after the client was told that it may', async () => {
    server.plugin.failNext('CreateVolume', { code: status.ABORTED, details: 'pending' })
    expect((await create('pending')).status).toBe(503)
    await vi.waitFor(
      async () => expect((await server.call('GET', '/v1/volume/csi/pending')).status).toBe(200),
      {
        timeout: 10_000,
      },
    )
  })
})

describe('a delete that was cut short', () => {
  it('is finished although the plugin still works on it at the next start, so that no record is left without its volume', async () => {
    await create('ended')
    const held = Promise.withResolvers<void>()
    server.plugin.failNext(
      'DeleteVolume',
      { hold: held.promise },
      { code: status.ABORTED, details: 'an operation is pending for it' },
    )
    const lost = server.call('DELETE', '/v1/volume/csi/ended/delete').catch(() => undefined)
    const deletes = () => server.plugin.calls.filter(({ rpc }) => rpc === 'DeleteVolume').length
    await vi.waitFor(() => expect(deletes()).toBe(1), { timeout: 10_000 })
    await server.close()
    await lost
    await server.restart()
    expect(deletes()).toBe(2)
    expect(await server.call('PUT', '/v1/volume/csi/ended/claim', { TargetPath: '/mounts/t' })).toMatchObject(
      {
        status: 409,
        text: expect.stringContaining('is being deleted'),
      },
    )
    held.resolve()
    await vi.waitFor(
      async () => expect((await server.call('GET', '/v1/volume/csi/ended')).status).toBe(404),
      {
        timeout: 10_000,
      },
    )
    expect(server.plugin.volumes.size).toBe(0)
  })
})

describe('a plugin that is away', () => {
  it('answers 503 to what needs it, and reads go on', async () => {
    await create('kept')
    await server.plugin.stop()
    await vi.waitFor(
      async () => expect((await server.call('GET', '/v1/volume/csi/kept')).json.ControllersHealthy).toBe(0),
      { timeout: 10_000 },
    )
    expect(await create('new')).toMatchObject({
      status: 503,
      text: expect.stringContaining('no healthy controllers for CSI plugin: disk'),
    })
    expect((await server.call('DELETE', '/v1/volume/csi/kept/delete')).status).toBe(503)
    expect((await server.call('GET', '/v1/plugin/csi/disk')).json.Provider).toBe('fake.csi.mooring.dev')
    await server.plugin.start()
    await vi.waitFor(async () => expect((await create('new')).status).toBe(200), { timeout: 10_000 })
  })
})

describe('the state', () => {
  it('is all there after a restart, and no plugin is written to', async () => {
    await create('one', { Secrets: { a: 'b' }, RequestedCapacityMin: 7 })
    const before = await server.call('GET', '/v1/volume/csi/one')
    server.plugin.calls.length = 0
    await server.restart()
    const after = await server.call('GET', '/v1/volume/csi/one')
    expect(after.json).toEqual(before.json)
    expect(after.headers.get('x-nomad-index')).toBe(before.headers.get('x-nomad-index'))
    expect((await create('one', { Secrets: { a: 'b' }, RequestedCapacityMin: 7 })).status).toBe(409)
    expect(creates()).toEqual([])
  })

  it('takes a definition that is there already as Nomad does, where it is told to, and writes nothing', async () => {
    await create('one')
    const before = await server.call('GET', '/v1/volume/csi/one')
    await server.restart({ registration: 'nomad' })
    const { ExternalID } = before.json
    expect((await create('one')).status).toBe(200)
    const registered = await server.call('PUT', '/v1/volume/csi/one', volumeBody('one', { ExternalID }))
    expect(registered).toMatchObject({ status: 200, json: { Volumes: [before.json] } })
    const after = await server.call('GET', '/v1/volume/csi/one')
    expect(after.headers.get('x-nomad-index')).toBe(before.headers.get('x-nomad-index'))
  })

  it('belongs to one server at a time', async () => {
    const second = startServer({
      http: { host: '127.0.0.1', port: 0 },
      dataDirectory: server.dataDirectory,
      plugins: [],
      log: silentLog,
    })
    await expect(second).rejects.toThrow(UsageError)
    await expect(second).rejects.toThrow('in use by another mooring process')
  })

  it('names the flag where the address is taken', async () => {
    const other = await startTestServer()
    const port = Number(new URL(server.url).port)
    await expect(other.restart({ http: { host: '127.0.0.1', port } })).rejects.toThrow(
      `127.0.0.1:${port} is taken: choose another address with --http`,
    )
    await other.dispose()
  })
})
