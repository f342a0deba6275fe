import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { startTestServer, type TestServer, volumeBody } from '../../fakes/api-server.ts'
import { type FakePlugin, startFakePlugin } from '../../fakes/csi-plugin.ts'

let folder: string
let second: FakePlugin
let server: TestServer

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'csi-dir-'))
  second = await startFakePlugin(join(folder, 'second.sock'))
})
afterEach(async () => {
  await server.dispose()
  await second.dispose()
  rmSync(folder, { recursive: true, force: true })
})

const health = async (id: string) => {
  const answer = await server.call('GET', `/v1/plugin/csi/${id}`)
  return answer.status === 200 ? answer.json.ControllersHealthy : answer.status
}
const create = (id: string, pluginID: string) =>
  server.call('PUT', `/v1/volume/csi/${id}/create`, volumeBody(id, { PluginID: pluginID }))

describe('several plugins', () => {
  beforeEach(async () => {
    server = await startTestServer({ pluginDirectory: folder, probeIntervalMs: 50 })
    await vi.waitFor(async () => expect(await health('second')).toBe(1))
  })

  it('one that hangs holds up neither the other nor a read', async () => {
    const { promise: hold, resolve: release } = Promise.withResolvers<void>()
    second.failNext('CreateVolume', { hold })
    const slow = create('slow', 'second')
    await vi.waitFor(() => expect(second.calls.some(({ rpc }) => rpc === 'CreateVolume')).toBe(true))
    expect((await create('quick', 'disk')).status).toBe(200)
    expect((await server.call('GET', '/v1/volumes?type=csi')).json).toHaveLength(1)
    expect((await server.call('GET', '/v1/volume/csi/slow')).status).toBe(404)
    release()
    expect((await slow).status).toBe(200)
  })

  it('one that dies makes only its own volumes unschedulable', async () => {
    await create('a', 'disk')
    await create('b', 'second')
    await second.stop()
    const schedulable = async () => {
      const { json } = await server.call('GET', '/v1/volumes?type=csi')
      return json.map(({ ID, Schedulable }: { ID: string; Schedulable: boolean }) => [ID, Schedulable])
    }
    await vi.waitFor(
      async () =>
        expect(await schedulable()).toEqual([
          ['a', true],
          ['b', false],
        ]),
      {
        timeout: 10_000,
      },
    )
  })
})

describe('a plugin directory', () => {
  it('gives and takes plugins without a restart, and keeps those that volumes name', async () => {
    server = await startTestServer({ pluginDirectory: folder, probeIntervalMs: 50 })
    await vi.waitFor(async () => expect(await health('second')).toBe(1))
    await create('kept', 'second')
    mkdirSync(join(folder, 'away'))
    renameSync(join(folder, 'second.sock'), join(folder, 'away', 'second.sock'))
    await vi.waitFor(async () => expect(await health('second')).toBe(0))
    expect((await create('refused', 'second')).status).toBe(503)
    renameSync(join(folder, 'away', 'second.sock'), join(folder, 'second.sock'))
    await vi.waitFor(async () => expect(await health('second')).toBe(1))
    await server.call('DELETE', '/v1/volume/csi/kept')
    rmSync(join(folder, 'second.sock'))
    await vi.waitFor(async () => expect(await health('second')).toBe(404))
  })

  it('takes only sockets with the ending .sock', async () => {
    symlinkSync(join(folder, 'second.sock'), join(folder, 'link.sock'))
    mkdirSync(join(folder, 'folder.sock'))
    server = await startTestServer({ pluginDirectory: folder })
    const { json } = await server.call('GET', '/v1/plugins?type=csi')
    expect(json.map(({ ID }: { ID: string }) => ID)).toEqual(['disk', 'second'])
  })
})
