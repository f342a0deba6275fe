import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { status } from '@grpc/grpc-js'
import { expect, it } from 'vitest'
import { createLog } from '../../../src/lib/log.ts'
import { hashSecret } from '../../../src/server/acl/acl-file.ts'
import { pluginID, startTestServer, volumeBody } from '../../fakes/api-server.ts'
import { temporaryDirectory } from '../../helpers/temporary-directory.ts'

/** One recognisable secret for each place where one can enter. */
const planted = (place: string) => `planted-${place}-7c1f`

it('secrets that enter anywhere leave nowhere but to the plugin', async () => {
  const lines: string[] = []
  const answers: string[] = []
  const aclFile = join(temporaryDirectory(), 'acl.json')
  const token = planted('token')
  const tokens = [{ accessorID: 'root', type: 'management', secretHash: hashSecret(token) }]
  writeFileSync(aclFile, JSON.stringify({ tokens }))
  const server = await startTestServer({
    aclFile,
    log: createLog('trace', { write: (line) => lines.push(line) }),
  })
  const call = async (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) => {
    const answer = await server.call(method, path, body, { 'x-nomad-token': token, ...headers })
    answers.push(answer.text, JSON.stringify([...answer.headers]))
    return answer.status
  }
  const header = { 'x-nomad-csi-secrets': `password=${planted('header')}` }
  const volume = (id: string, fields = {}) =>
    volumeBody(id, {
      Secrets: { password: planted('body') },
      MountOptions: { FSType: 'cifs', MountFlags: [`password=${planted('flag')}`] },
      ...fields,
    })
  const echo = (place: string) => ({ code: status.INTERNAL, details: `login with ${planted(place)} failed` })
  try {
    expect(await call('PUT', '/v1/volume/csi/a/create', volume('a'))).toBe(200)
    expect(await call('PUT', '/v1/volume/csi/b/create', volume('b'))).toBe(200)
    // The plugin repeats what it was sent.
    server.plugin.failNext('CreateVolume', echo('body'))
    expect(await call('PUT', '/v1/volume/csi/c/create', volume('c'))).toBe(502)
    server.plugin.failNext('CreateVolume', {
      code: status.INTERNAL,
      details: `bad password=${planted('flag')}`,
    })
    expect(await call('PUT', '/v1/volume/csi/c/create', volume('c'))).toBe(502)
    server.plugin.failNext('DeleteVolume', echo('header'))
    expect(await call('DELETE', '/v1/volume/csi/b/delete', undefined, header)).toBe(502)
    const update = volume('a', { Secrets: { password: planted('update') }, MountOptions: null })
    expect(await call('PUT', '/v1/volume/csi/a/create', update)).toBe(200)
    const snapshot = { SourceVolumeID: 'a', Name: 's', Secrets: { password: planted('snapshot') } }
    server.plugin.failNext('CreateSnapshot', echo('snapshot'))
    expect(await call('PUT', '/v1/volumes/snapshot', { Snapshots: [snapshot] })).toBe(502)
    expect(await call('PUT', '/v1/volumes/snapshot', { Snapshots: [snapshot] })).toBe(200)
    expect(await call('GET', `/v1/volumes/snapshot?plugin_id=${pluginID}`, undefined, header)).toBe(200)
    // Bodies and filters that are refused are not repeated either.
    expect(await call('PUT', '/v1/volumes', `{"Secrets":"${planted('broken')}",`)).toBe(400)
    const wrong = volume('d', { Secrets: planted('wrong') })
    expect(await call('PUT', '/v1/volume/csi/d/create', wrong)).toBe(400)
    const filter = encodeURIComponent(`Secrets.password == "${planted('body')}"`)
    expect(await call('GET', `/v1/volumes?type=csi&filter=${filter}`)).toBe(400)
    for (const path of [
      '/v1/volumes?type=csi',
      '/v1/volume/csi/a',
      '/v1/volume/csi/b?pretty',
      '/v1/agent/self',
    ]) {
      expect(await call('GET', path)).toBe(200)
    }
    expect(await call('PUT', '/v1/search', { Prefix: '', Context: 'all' })).toBe(200)
    // A delete that nobody finishes stores what came with it.
    server.plugin.failNext('DeleteVolume', { after: 'hang' })
    const lost = call('DELETE', '/v1/volume/csi/a/delete', undefined, header).catch(() => 0)
    await expect.poll(() => server.plugin.calls.filter(({ rpc }) => rpc === 'DeleteVolume')).toHaveLength(2)

    const files = () =>
      readdirSync(server.dataDirectory, { withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map(({ name }) => readFileSync(join(server.dataDirectory, name), 'latin1'))
    const running = files()
    await server.close()
    await lost
    // Where they have to arrive they did, so that this looks at something.
    expect(
      JSON.stringify(
        server.plugin.calls.map(({ request }) => request),
        (_key, value) => (typeof value === 'bigint' ? String(value) : value),
      ),
    ).toMatch(/planted-body.*planted-header/s)
    for (const [where, texts] of Object.entries({ running, files: files(), lines, answers })) {
      expect(texts.length, where).toBeGreaterThan(0)
      expect(
        texts.filter((text) => text.includes('planted-')),
        where,
      ).toEqual([])
    }
  } finally {
    await server.dispose()
  }
})
