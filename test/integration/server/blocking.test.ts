import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { startTestServer, type TestServer, volumeBody } from '../../fakes/api-server.ts'

let server: TestServer

beforeAll(async () => {
  server = await startTestServer({ probeIntervalMs: 50, random: () => 0 })
  await server.call('PUT', '/v1/volume/csi/watched/create', volumeBody('watched'))
})
afterAll(() => server.dispose())

const indexOf = (answer: { headers: Headers }) => Number(answer.headers.get('x-nomad-index'))

describe('a blocking query', () => {
  it.each([
    ['the list', '/v1/volumes?type=csi'],
    ['the volume', '/v1/volume/csi/watched?namespace=default'],
  ])('on %s waits until it changes', async (_what, path) => {
    const index = indexOf(await server.call('GET', path))
    let answered = false
    const blocked = server.call('GET', `${path}&index=${index}&wait=1m`).finally(() => {
      answered = true
    })
    await server.call('GET', '/v1/namespaces')
    expect(answered).toBe(false)
    await server.call(
      'PUT',
      '/v1/volume/csi/watched/create',
      volumeBody('watched', { Context: { changed: String(index) } }),
    )
    expect(indexOf(await blocked)).toBeGreaterThan(index)
  })

  it('answers the current state with the same index when the wait is over', async () => {
    const index = indexOf(await server.call('GET', '/v1/volumes?type=csi'))
    const answer = await server.call('GET', `/v1/volumes?type=csi&index=${index}&wait=10ms`)
    expect(answer.status).toBe(200)
    expect(indexOf(answer)).toBe(index)
  })

  it('answers at once where the index is in the past', async () => {
    expect((await server.call('GET', '/v1/volumes?type=csi&index=1')).status).toBe(200)
  })

  it('on a volume that is not there answers 404 with an index, and wakes when it appears', async () => {
    const absent = await server.call('GET', '/v1/volume/csi/later')
    expect(absent.status).toBe(404)
    const blocked = server.call('GET', `/v1/volume/csi/later?index=${indexOf(absent)}`)
    await server.call('PUT', '/v1/volume/csi/later/create', volumeBody('later'))
    expect((await blocked).json.ID).toBe('later')
  })

  it('wakes volumes when the health of their plugin changes', async () => {
    const before = await server.call('GET', '/v1/volume/csi/watched')
    expect(before.json.Schedulable).toBe(true)
    const blocked = ['/v1/volume/csi/watched?', '/v1/volumes?type=csi&', '/v1/plugin/csi/disk?'].map(
      async (path) => await server.call('GET', `${path}index=${indexOf(before)}`),
    )
    server.plugin.ready = false
    const [volume, list, plugin] = await Promise.all(blocked)
    expect(volume?.json).toMatchObject({ Schedulable: false, ControllersHealthy: 0, NodesHealthy: 0 })
    expect(list?.json[0].Schedulable).toBe(false)
    expect(plugin?.json).toMatchObject({ ControllersHealthy: 0, Provider: 'fake.csi.mooring.dev' })
    server.plugin.ready = true
    await vi.waitFor(async () =>
      expect((await server.call('GET', '/v1/volume/csi/watched')).json.Schedulable).toBe(true),
    )
  })

  it.each([
    ['external volumes', '/v1/volumes/external?plugin_id=disk', () => server.plugin.volumes],
    ['snapshots', '/v1/volumes/snapshot?plugin_id=disk', () => server.plugin.snapshots],
  ])('on the list of %s waits until the plugin lists something else', async (_what, path, held) => {
    const before = await server.call('GET', path)
    expect(indexOf(await server.call('GET', path))).toBe(indexOf(before))
    const blocked = Promise.all(
      ['1m', '1m', '10ms'].map((wait) => server.call('GET', `${path}&index=${indexOf(before)}&wait=${wait}`)),
    )
    await server.call('GET', '/v1/regions')
    held().set('added', { id: 'added', name: 'added', capacityBytes: 1n, sourceVolumeId: 'x' })
    const [one, two, ended] = await blocked
    expect(one?.text).toContain('added')
    expect(two?.text).toContain('added')
    expect(indexOf(one ?? before)).toBeGreaterThan(indexOf(before))
    expect(ended?.status).toBe(200)
  })

  it('keeps its index over a restart, and does not hold up the close', async () => {
    const index = indexOf(await server.call('GET', '/v1/volumes?type=csi'))
    const blocked = server.call('GET', `/v1/volumes?type=csi&index=${index}`)
    await server.call('GET', '/v1/namespaces')
    await server.restart()
    expect((await blocked).status).toBe(200)
    expect(indexOf(await server.call('GET', '/v1/volumes?type=csi'))).toBe(index)
  })
})
