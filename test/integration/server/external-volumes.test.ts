import { realpathSync } from 'node:fs'
import { join } from 'node:path'
import { status } from '@grpc/grpc-js'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { startTestServer, type TestServer, volumeBody } from '../../fakes/api-server.ts'
import { temporaryDirectory } from '../../helpers/temporary-directory.ts'

let server: TestServer
let mountRoot: string

beforeEach(async () => {
  mountRoot = join(realpathSync(temporaryDirectory()), 'mounts')
  server = await startTestServer({ mountRoot })
  await server.call('PUT', '/v1/namespace/other')
})
afterEach(() => server.dispose())

const manyWriters = {
  RequestedCapabilities: [{ AccessMode: 'multi-node-multi-writer', AttachmentMode: 'file-system' }],
}

/** Makes volume `one`, and registers its external volume a second time as `two` in another namespace. */
async function recordTwice(fields: object = {}) {
  await server.call('PUT', '/v1/volume/csi/one/create', volumeBody('one', fields))
  const { ExternalID, Context } = (await server.call('GET', '/v1/volume/csi/one')).json
  const second = volumeBody('two', { ExternalID, Context, Namespace: 'other', ...fields })
  expect((await server.call('PUT', '/v1/volume/csi/two', second)).status).toBe(200)
  server.plugin.calls.length = 0
}

const places = { one: 'one?namespace=default', two: 'two?namespace=other' } as const
type Place = keyof typeof places
const path = (place: Place, rest = '') => `/v1/volume/csi/${places[place].replace('?', `${rest}?`)}`
const claim = (place: Place, target: string, fields = {}) =>
  server.call('PUT', path(place, '/claim'), { TargetPath: join(mountRoot, target), ...fields })
const endClaim = (place: Place, id: string) => server.call('DELETE', path(place, `/claim/${id}`))
const read = async (place: Place) => (await server.call('GET', path(place))).json
const count = (rpc: string) => server.plugin.calls.filter((call) => call.rpc === rpc).length
const stagingPaths = () =>
  new Set(
    server.plugin.calls
      .filter(({ rpc }) => rpc === 'NodeStageVolume')
      .map(({ request }) => (request as { stagingTargetPath: string }).stagingTargetPath),
  )

describe('two records of one external volume', () => {
  it('share its attachment: a failed claim of the second leaves the first attached', async () => {
    await recordTwice(manyWriters)
    const first = await claim('one', 'a')
    expect(first.status).toBe(200)
    server.plugin.failNext('NodeStageVolume', { code: status.INTERNAL, details: 'no device' })
    expect((await claim('two', 'b')).status).toBe(502)
    expect(count('ControllerUnpublishVolume')).toBe(0)
    expect(count('NodeUnstageVolume')).toBe(0)
    await endClaim('one', first.json.ID)
    expect(count('ControllerUnpublishVolume')).toBe(1)
  })

  it('share its attachment: the end of one claim leaves the other attached and staged', async () => {
    await recordTwice(manyWriters)
    const first = await claim('one', 'a')
    const second = await claim('two', 'b')
    await endClaim('two', second.json.ID)
    expect([count('NodeUnstageVolume'), count('ControllerUnpublishVolume')]).toEqual([0, 0])
    await endClaim('one', first.json.ID)
    expect([count('NodeUnstageVolume'), count('ControllerUnpublishVolume')]).toEqual([1, 1])
  })

  it('are exclusive together: a single writer of the first keeps out a writer of the second', async () => {
    await recordTwice()
    const first = await claim('one', 'a')
    const refused = await claim('two', 'b')
    expect(refused.status).toBe(409)
    expect(refused.text).toContain(first.json.ID)
    expect(refused.text).toContain('"one" in namespace default')
  })

  it('cannot be deregistered or deleted while the other is claimed; force drops the record alone', async () => {
    await recordTwice()
    const first = await claim('one', 'a')
    for (const rest of ['', '/delete']) {
      const answer = await server.call('DELETE', path('two', rest))
      expect(answer).toMatchObject({ status: 409, text: expect.stringContaining('volume in use: two') })
      expect(answer.text).toContain('"one" in namespace default')
    }
    expect((await server.call('DELETE', `${path('two')}&force=true`)).status).toBe(200)
    expect((await read('one')).WriteAllocs).toEqual({ [first.json.ID]: null })
    expect(count('DeleteVolume')).toBe(0)
  })

  it('grow together', async () => {
    await recordTwice({ ...manyWriters, RequestedCapacityMin: 1 << 20 })
    server.plugin.nodeExpansionRequired = true
    await claim('one', 'a')
    const { ExternalID, Context } = await read('one')
    const grown = volumeBody('two', {
      ...manyWriters,
      ExternalID,
      Context,
      Namespace: 'other',
      RequestedCapacityMin: 2 << 20,
    })
    expect((await server.call('PUT', path('two'), grown)).status).toBe(200)
    const expansion = server.plugin.calls.find(({ rpc }) => rpc === 'NodeExpandVolume')?.request
    expect(expansion).toMatchObject({ volumePath: join(mountRoot, 'a') })
    expect((await read('two')).Capacity).toBe(2 << 20)
    expect((await read('one')).Capacity).toBe(2 << 20)
  })

  it('have one staging path, for readers and writers', async () => {
    await recordTwice(manyWriters)
    await claim('one', 'a')
    await claim('one', 'b', { ReadOnly: true })
    await claim('two', 'c')
    expect(stagingPaths().size).toBe(1)
  })
})

describe('two external volumes under one external ID', () => {
  /** As static volumes of an NFS plugin, whose context says which share is meant. */
  beforeEach(async () => {
    server.plugin.volumes.set('nfs', { id: 'nfs', name: 'nfs', capacityBytes: 1n })
    for (const [place, id, share, Namespace] of [
      ['one', 'one', '/a', 'default'],
      ['two', 'two', '/b', 'other'],
    ] as const) {
      const body = volumeBody(id, { ExternalID: 'nfs', Context: { share }, Namespace })
      expect((await server.call('PUT', path(place), body)).status).toBe(200)
    }
    server.plugin.calls.length = 0
  })

  it('are claimed apart, and staged apart', async () => {
    expect((await claim('one', 'a')).status).toBe(200)
    expect((await claim('two', 'b')).status).toBe(200)
    expect(stagingPaths().size).toBe(2)
  })

  it('are detached together: a call without a context would reach the other', async () => {
    const first = await claim('one', 'a')
    const second = await claim('two', 'b')
    await endClaim('one', first.json.ID)
    expect([count('NodeUnstageVolume'), count('ControllerUnpublishVolume')]).toEqual([1, 0])
    await endClaim('two', second.json.ID)
    expect([count('NodeUnstageVolume'), count('ControllerUnpublishVolume')]).toEqual([2, 1])
  })

  it('cannot be deleted, but one can be deregistered while the other is claimed', async () => {
    await claim('one', 'a')
    expect((await server.call('DELETE', path('two', '/delete'))).status).toBe(409)
    expect((await server.call('DELETE', path('two'))).status).toBe(200)
  })
})
