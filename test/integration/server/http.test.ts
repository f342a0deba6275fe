import { connect } from 'node:net'
import { Writable } from 'node:stream'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { createLog } from '../../../src/lib/log.ts'
import { sendHostile } from '../../builders/hostile-requests.ts'
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

/** Sends lines as they are, which fetch would not. */
async function sendRaw(...request: string[]) {
  const socket = connect(Number(new URL(server.url).port), '127.0.0.1')
  socket.write(`${[...request, 'Connection: close'].join('\r\n')}\r\n\r\n`)
  let answer = ''
  for await (const chunk of socket) answer += chunk
  const [head = ''] = answer.split('\r\n\r\n')
  const [status = '', ...lines] = head.split('\r\n')
  const headers = new Headers(
    lines.map((line): [string, string] => {
      const [name = '', ...value] = line.split(': ')
      return [name, value.join(': ')]
    }),
  )
  return { status: Number(status.split(' ')[1]), headers }
}

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
    ['GET', '/v1/namespace/', 400, 'Missing Namespace Name'],
    ['GET', '/v1/volumes?type=csi&region=nowhere', 400, 'No path to region'],
    // What Nomad has, and this server has nothing for.
    ['GET', '/v1/jobs?prefix=x', 200, '[]'],
    ['GET', '/v1/evaluations', 200, '[]'],
    ['GET', '/v1/services', 200, '[]'],
    ['GET', '/v1/vars', 200, '[]'],
    ['GET', '/v1/job/x', 404, 'job not found'],
    ['GET', '/v1/var/x/y', 404, 'variable not found'],
    ['GET', '/v1/node/pool/none', 404, 'node pool not found'],
    ['GET', '/v1/acl/tokens', 400, 'ACL support disabled'],
    ['GET', '/v1/quotas', 501, 'Nomad Enterprise only endpoint'],
    ['PUT', '/v1/system/gc', 200, ''],
    ['DELETE', '/v1/jobs', 400, expect.stringContaining('runs no jobs')],
    ['PUT', '/v1/var/x', 400, expect.stringContaining('keeps no variables')],
    ['PUT', '/v1/node/x/drain', 400, expect.stringContaining('cannot be drained')],
    ['GET', '/v1/client/allocation/x/stats', 404, expect.stringContaining('runs no tasks')],
    ['PATCH', '/v1/jobs', 405, 'Invalid method'],
  ])('%s %s is %i', async (method, path, status, text) => {
    const answer = await server.call(method, path)
    expect(answer.status).toBe(status)
    if (text !== undefined) expect(answer.text).toEqual(text)
  })

  it('blocks on a list that stays empty, so that whoever watches it does not ask without end', async () => {
    const first = await server.call('GET', '/v1/services')
    const index = first.headers.get('x-nomad-index')
    let answered = false
    const blocked = server.call('GET', `/v1/services?index=${index}&wait=300ms`).then((answer) => {
      answered = true
      return answer
    })
    await server.call('GET', '/v1/regions')
    expect(answered).toBe(false)
    expect(await blocked).toMatchObject({ status: 200, text: '[]' })
  })

  it.each([
    ['//v1/volumes?type=csi', '/v1/volumes?type=csi'],
    ['/v1//volumes', '/v1/volumes'],
    ['/v1/x/../regions', '/v1/regions'],
    ['/v1/./regions', '/v1/regions'],
    ['/../v1/volumes//', '/v1/volumes/'],
  ])('sends %s to %s, as Nomad does', async (path, location) => {
    const { status, headers } = await sendRaw(`PUT ${path} HTTP/1.1`, 'Host: localhost', 'Content-Length: 0')
    expect([status, headers.get('location')]).toEqual([307, location])
  })

  it('leaves slashes of an ID alone that are encoded', async () => {
    await server.call('PUT', '/v1/volume/csi/a%2F%2Fb/create', volumeBody('a//b'))
    expect((await server.call('GET', '/v1/volume/csi/a%2F%2Fb')).json.ID).toBe('a//b')
  })

  it('takes a region from the query, else from the body', async () => {
    const body = { ...volumeBody('regional'), Region: 'nowhere' }
    const path = '/v1/volume/csi/regional/create'
    expect(await server.call('PUT', path, body)).toMatchObject({ status: 400, text: 'No path to region' })
    expect((await server.call('PUT', `${path}?region=global`, body)).status).toBe(200)
  })

  it.each([
    ['9007199254740993', 200],
    ['18446744073709551615', 200],
    ['18446744073709551616', 400],
    ['1e6', 400],
    ['-1', 400],
  ])('takes the index %s as Nomad does (%i)', async (index, wanted) => {
    const answer = await server.call('GET', `/v1/volumes?type=csi&wait=1ms&index=${index}`)
    expect(answer.status).toBe(wanted)
  })

  it.each([
    ['HTTP/1.0 without Host', 'HTTP/1.0', [], 200],
    ['HTTP/1.1 without Host', 'HTTP/1.1', [], 400],
    ['HTTP/1.0 with a foreign Origin', 'HTTP/1.0', ['Origin: https://evil.example'], 403],
    ['a name that ends in a dot', 'HTTP/1.1', ['Host: localhost.:4646'], 200],
  ])('answers %s', async (_what, version, lines, wanted) => {
    expect((await sendRaw(`GET /v1/regions ${version}`, ...lines)).status).toBe(wanted)
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

describe('a body', () => {
  it.each(['', ';;;', 'text/html; charset=x', 'a=b,=,c', 'application/xml'])(
    'is JSON, even where its type is "%s"',
    async (type) => {
      const headers = { 'content-type': type }
      const body = Buffer.from('{"Name":"typed","Description":"typed"}')
      const sent = { method: 'PUT', path: '/v1/namespace/typed', headers, body }
      expect(await sendHostile(server.url, sent)).toMatchObject({ status: 200 })
    },
  )
})

describe('answers', () => {
  it('are indented when pretty is asked for', async () => {
    const { text } = await server.call('GET', '/v1/namespaces?pretty')
    expect(text).toMatch(/^\[\n {4}\{\n {8}"Name": "default"/)
    expect(text.endsWith(']\n')).toBe(true)
  })

  it.each([
    ['gzip', 'gzip'],
    ['deflate', 'deflate'],
    ['gzip;q=0', null],
    ['gzip;q=0, deflate', 'deflate'],
    ['gzip;q=0.1, deflate;q=0.2', 'deflate'],
    ['GZIP ; q=1.0', 'gzip'],
    ['gzip;q=x', null],
    ['*', null],
    ['br, zstd', null],
    ['identity', null],
  ])('to Accept-Encoding "%s" are in %s', async (accepted, coding) => {
    const { headers } = await sendRaw(
      'GET /v1/regions HTTP/1.1',
      'Host: localhost',
      `Accept-Encoding: ${accepted}`,
    )
    expect(headers.get('content-encoding')).toBe(coding)
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
