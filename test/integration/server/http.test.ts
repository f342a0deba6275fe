import { connect } from 'node:net'
import { Writable } from 'node:stream'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { createLog } from '../../../src/lib/log.ts'
import { startTestServer, type TestServer, volumeBody } from '../../fakes/api-server.ts'

let server: TestServer
const lines: { level: string; msg: string; method?: string; path?: string; status?: number }[] = []

beforeAll(async () => {
  const stream = new Writable({
    write(chunk, _encoding, done) {
      lines.push(JSON.parse(String(chunk)))
      done()
    },
  })
  server = await startTestServer({ log: createLog('debug', stream) })
})
afterAll(() => server.dispose())

describe('methods and paths', () => {
  it.each([
    ['PATCH', '/v1/volumes', 405, 'Invalid method'],
    ['HEAD', '/v1/volumes', 405, ''],
    ['POST', '/v1/volumes/external', 405, 'Invalid method'],
    ['GET', '/v1/volume/csi/x/create', 405, 'Invalid method'],
    ['GET', '/v1/volume/csi/x/anything', 404, 'resource not found'],
    ['DELETE', '/v1/volume/csi/x/y/z', 404, 'resource not found'],
    ['GET', '/v1/nothing', 404, ''],
    ['GET', '/', 404, ''],
    ['GET', '/v1/volume/csi/%zz', 400, undefined],
  ])('%s %s is %i', async (method, path, status, text) => {
    const answer = await server.call(method, path)
    expect(answer.status).toBe(status)
    if (text !== undefined) expect(answer.text).toBe(text)
  })

  it('takes an ID of 1 KiB with every byte encoded', async () => {
    const id = 'ü'.repeat(512)
    const path = `/v1/volume/csi/${encodeURIComponent(id)}`
    expect((await server.call('PUT', `${path}/create`, volumeBody(id))).status).toBe(200)
    expect((await server.call('GET', path)).json.ID).toBe(id)
    const longer = await server.call('PUT', '/v1/volume/csi/x/create', volumeBody('x'.repeat(1025)))
    expect(longer.status).toBe(400)
  })
})

describe('a page in a browser', () => {
  it('gets 403', async () => {
    const answer = await server.call('GET', '/v1/volumes?type=csi', undefined, {
      origin: 'https://elsewhere.example',
    })
    expect(answer).toMatchObject({ status: 403, text: expect.stringContaining('Permission denied') })
  })
})

describe('answers', () => {
  it('are indented when pretty is asked for', async () => {
    const { text } = await server.call('GET', '/v1/namespaces?pretty')
    expect(text).toMatch(/^\[\n {4}\{\n {8}"Name": "default"/)
    expect(text.endsWith(']\n')).toBe(true)
  })

  it('are gzipped when that is accepted', async () => {
    const answer = await server.call('GET', '/v1/plugins?type=csi', undefined, { 'accept-encoding': 'gzip' })
    expect(answer.headers.get('content-encoding')).toBe('gzip')
    expect(answer.json).toHaveLength(1)
  })
})

describe('the request log', () => {
  it('has a line per request, for reads at the level of debug, with method, path without its query, and status', async () => {
    lines.length = 0
    await server.call('GET', '/v1/volumes?type=csi&next_token=secret')
    await server.call('PUT', '/v1/namespace/logged')
    await vi.waitFor(() => expect(lines.filter(({ msg }) => msg === 'request')).toHaveLength(2))
    expect(lines).toMatchObject([
      { level: 'debug', method: 'GET', path: '/v1/volumes', status: 200, durationMs: expect.any(Number) },
      { level: 'info', method: 'PUT', path: '/v1/namespace/logged', status: 200 },
    ])
    expect(JSON.stringify(lines)).not.toContain('secret')
  })
})

describe('a client that goes away', () => {
  it('in the middle of a blocked query leaves nothing behind', async () => {
    const { port } = new URL(server.url)
    const socket = connect(Number(port), '127.0.0.1')
    lines.length = 0
    const request = 'GET /v1/volumes?type=csi&index=999999 HTTP/1.1\r\nhost: localhost\r\n\r\n'
    await new Promise<void>((resolve) => socket.write(request, () => resolve()))
    socket.destroy()
    await vi.waitFor(() => expect(lines.some(({ path }) => path === '/v1/volumes')).toBe(true))
  })
})
