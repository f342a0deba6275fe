import { afterEach, describe, expect, it, vi } from 'vitest'
import { startTestServer, type TestServer, volumeBody } from '../../fakes/api-server.ts'

/** Each sync of the disk waits for this. */
let disk: Promise<void> = Promise.resolve()
let syncs = 0
vi.mock('node:fs', async (original) => {
  const real = await original<typeof import('node:fs')>()
  const fdatasync: typeof real.fdatasync = Object.assign(
    (file: number, done: (error: NodeJS.ErrnoException | null) => void) => {
      syncs++
      disk.then(
        () => real.fdatasync(file, done),
        (error) => done(error),
      )
    },
    { __promisify__: undefined as never },
  )
  return { ...real, fdatasync }
})

let server: TestServer
afterEach(() => {
  disk = Promise.resolve()
  return server.dispose()
})

const registered = (id: string) => volumeBody(id, { ExternalID: id })

describe('while the disk takes its time', () => {
  it('neither the plugin nor anybody who asks learns of a write, and one sync serves all that wait', async () => {
    server = await startTestServer()
    const { promise, resolve } = Promise.withResolvers<void>()
    disk = promise
    const calls = () => server.plugin.calls.map(({ rpc }) => rpc)
    const before = calls().length
    const syncsBefore = syncs
    let answered = 0
    const count = () => answered++
    const creates = ['a', 'b', 'c', 'd'].map((id) =>
      server.call('PUT', `/v1/volume/csi/${id}/create`, volumeBody(id)).finally(count),
    )
    await vi.waitFor(() => expect(syncs).toBeGreaterThan(syncsBefore))
    // It cannot see the intent, yet its answer would rest on what is not kept yet.
    const read = server.call('GET', '/v1/namespaces').finally(count)
    // A path that is not there rests on nothing.
    expect((await server.call('GET', '/v1/nothing')).status).toBe(404)
    expect(calls().slice(before)).not.toContain('CreateVolume')
    expect(answered).toBe(0)
    resolve()
    for (const { status } of await Promise.all([...creates, read])) expect(status).toBe(200)
    // Each create writes its intent and its record: eight writes.
    expect(syncs - syncsBefore).toBeLessThan(8)
  })
})

describe('a disk that fails', () => {
  it('costs the writes that wait, and those after them; reads go on', async () => {
    server = await startTestServer()
    server.plugin.volumes.set('x', { id: 'x', name: 'x', capacityBytes: 1n })
    disk = Promise.reject(new Error('EIO'))
    disk.catch(() => {})
    const lost = await server.call('PUT', '/v1/volume/csi/x', registered('x'))
    expect(lost).toMatchObject({ status: 500, text: expect.stringContaining('the disk did not take') })
    disk = Promise.resolve()
    expect((await server.call('PUT', '/v1/namespace/later')).status).toBe(500)
    expect((await server.call('GET', '/v1/volumes?type=csi')).status).toBe(200)
    await server.restart()
    expect((await server.call('PUT', '/v1/namespace/later')).status).toBe(200)
  })
})
