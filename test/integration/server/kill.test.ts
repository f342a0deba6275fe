import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { pluginID, volumeBody } from '../../fakes/api-server.ts'
import { startFakePlugin } from '../../fakes/csi-plugin.ts'
import { startMooring } from '../../helpers/mooring-process.ts'
import { temporaryDirectory } from '../../helpers/temporary-directory.ts'

const rounds = 5
const writers = 8

describe('a server that is killed in a storm of writes', () => {
  it('has every acknowledged write, finishes every unfinished one, and leaves no volume behind', async () => {
    const plugin = await startFakePlugin()
    onTestFinished(() => plugin.dispose())
    const dataDirectory = join(temporaryDirectory(), 'data')
    mkdirSync(dataDirectory)
    /** What the last acknowledged write to each ID came to; IDs with a write in doubt are not in it. */
    const acknowledged = new Map<string, 'there' | 'gone'>()
    let nextID = 0

    const start = async () => {
      const server = startMooring([
        'server',
        ...['--http', '127.0.0.1:0'],
        ...['--data-dir', dataDirectory],
        ...['--plugin', `${pluginID}=${plugin.endpoint}`],
      ])
      const { url } = await server.logged(({ msg }) => msg === 'server listens', 'the server to listen')
      return { server, url: String(url) }
    }
    const write = async (url: string, id: string, verb: 'create' | 'delete') => {
      acknowledged.delete(id)
      const response = await fetch(`${url}/v1/volume/csi/${id}/${verb}`, {
        method: verb === 'create' ? 'PUT' : 'DELETE',
        ...(verb === 'create' && { body: JSON.stringify(volumeBody(id)) }),
      })
      expect(response.status).toBe(200)
      acknowledged.set(id, verb === 'create' ? 'there' : 'gone')
    }
    /** Creates volumes, and deletes every other one, until the server is gone. */
    const storm = async (url: string) => {
      try {
        for (;;) {
          const id = `storm-${nextID++}`
          await write(url, id, 'create')
          if (nextID % 2 === 0) await write(url, id, 'delete')
        }
      } catch (error) {
        // The only failure allowed is the cut connection.
        expect(error).toBeInstanceOf(TypeError)
      }
    }
    const registered = async (url: string) => {
      const response = await fetch(`${url}/v1/volumes?type=csi`)
      const volumes = (await response.json()) as { ID: string; ExternalID: string }[]
      return new Map(volumes.map(({ ID, ExternalID }) => [ID, ExternalID]))
    }

    for (let round = 0; round < rounds; round++) {
      const { server, url } = await start()
      const volumes = await registered(url)
      for (const [id, state] of acknowledged) expect([id, volumes.has(id)]).toEqual([id, state === 'there'])
      expect([...volumes.values()].sort()).toEqual([...plugin.volumes.keys()].sort())
      const wanted = acknowledged.size + 10 + Math.floor(Math.random() * 30)
      const storms = Promise.all(Array.from({ length: writers }, () => storm(url)))
      await expect.poll(() => acknowledged.size, { interval: 1, timeout: 20_000 }).toBeGreaterThan(wanted)
      server.signal('SIGKILL')
      await storms
    }
    const { url } = await start()
    expect([...(await registered(url)).values()].sort()).toEqual([...plugin.volumes.keys()].sort())
    expect(new Set([...plugin.volumes.values()].map(({ name }) => name)).size).toBe(plugin.volumes.size)
  })
})
