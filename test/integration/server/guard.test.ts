import { once } from 'node:events'
import { cpSync, writeFileSync } from 'node:fs'
import { type IncomingMessage, request } from 'node:http'
import { request as tlsRequest } from 'node:https'
import { connect, type Socket } from 'node:net'
import { networkInterfaces } from 'node:os'
import { join } from 'node:path'
import { type PeerCertificate, TLSSocket } from 'node:tls'
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { hashSecret } from '../../../src/server/acl/acl-file.ts'
import type { ServerOptions } from '../../../src/server/server.ts'
import { startTestServer, type TestServer, volumeBody } from '../../fakes/api-server.ts'
import { createAuthority } from '../../helpers/certificates.ts'
import { temporaryDirectory } from '../../helpers/temporary-directory.ts'

let server: TestServer | undefined
afterEach(async () => {
  await server?.dispose()
  server = undefined
})
const start = async (options: Partial<ServerOptions> = {}) => {
  server = await startTestServer(options)
  return server
}

/** fetch sends its own Host and Origin. */
function get(url: string, headers: Record<string, string>): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    request(url, { headers, agent: false }, (answer) => readAll(answer).then(resolve, reject))
      .on('error', reject)
      .end()
  })
}

async function readAll(answer: IncomingMessage) {
  let text = ''
  for await (const chunk of answer) text += chunk
  return { status: answer.statusCode ?? 0, text }
}

/** A connection that says `text` and waits; what it was told until its end. */
async function open(url: string, text: string) {
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  onTestFinished(() => void socket.destroy())
  socket.on('error', () => {})
  let said = ''
  socket.on('data', (chunk) => {
    said += chunk
  })
  await once(socket, 'connect')
  socket.write(text)
  return { socket, said: () => said }
}

const blocked = 'GET /v1/volumes?type=csi&index=999999 HTTP/1.1\r\nhost: localhost\r\n\r\n'

describe('a page in a browser', () => {
  it('reaches nothing: 403 by a foreign Host or Origin, whatever the path', async () => {
    const { url } = await start()
    const text = expect.stringContaining('foreign')
    for (const path of ['/v1/volumes', '/v1/agent/health', '/nothing']) {
      expect(await get(url + path, { host: 'evil.example' })).toEqual({ status: 403, text })
      expect(await get(url + path, { origin: 'https://evil.example' })).toEqual({ status: 403, text })
    }
    expect((await get(`${url}/v1/agent/health`, {})).status).toBe(200)
  })

  it('changes nothing', async () => {
    const { call } = await start()
    const headers = { origin: 'https://evil.example', 'content-type': 'text/plain' }
    expect((await call('POST', '/v1/namespace/evil', '{"Name":"evil"}', headers)).status).toBe(403)
    expect((await call('GET', '/v1/namespace/evil')).status).toBe(404)
  })

  it('may go by a name that the server was told', async () => {
    const { url } = await start({ allowedHosts: ['volumes.example'] })
    expect((await get(`${url}/v1/regions`, { host: 'Volumes.Example:80' })).status).toBe(200)
  })
})

describe('limits', () => {
  it('refuses a body beyond the limit with 413', async () => {
    const { call } = await start({ limits: { bodyBytes: 1000 } })
    const answer = await call('PUT', '/v1/volumes', volumeBody('x', { Name: 'x'.repeat(1000) }))
    expect(answer).toMatchObject({ status: 413, text: 'Request body is too large' })
    expect(answer.headers.get('content-type')).toBe('text/plain; charset=utf-8')
  })

  it('refuses headers beyond the limit with 431', async () => {
    const { url } = await start({ limits: { headerBytes: 2000 } })
    expect(await get(`${url}/v1/regions`, { 'x-nomad-token': 'x'.repeat(2000) })).toEqual({
      status: 431,
      text: 'Request headers are too large',
    })
  })

  it('refuses what is no HTTP with 400', async () => {
    const { url } = await start()
    const { said } = await open(url, 'hello\r\n\r\n')
    await vi.waitFor(() => expect(said()).toMatch(/^HTTP\/1.1 400 .*Request is not valid HTTP$/s))
  })

  it('refuses connections of one client beyond the limit with 429, until one of them ends', async () => {
    const { url } = await start({ limits: { connectionsPerClient: 2 } })
    const held = [await open(url, blocked), await open(url, blocked)]
    const { said } = await open(url, '')
    await vi.waitFor(() => expect(said()).toMatch(/^HTTP\/1.1 429 .*too many concurrent connections/s))
    held[0]?.socket.destroy()
    await vi.waitFor(async () => expect((await get(`${url}/v1/regions`, {})).status).toBe(200))
  })

  it('refuses requests beyond those in flight with 503, until one of them ends', async () => {
    const { url } = await start({ limits: { requestsInFlight: 1 } })
    const { socket } = await open(url, blocked)
    await vi.waitFor(async () =>
      expect(await get(`${url}/v1/regions`, {})).toEqual({
        status: 503,
        text: 'too many requests in flight',
      }),
    )
    socket.destroy()
    await vi.waitFor(async () => expect((await get(`${url}/v1/regions`, {})).status).toBe(200))
  })
})

describe('one client', () => {
  it('takes at most half of the requests in flight: the rest is there for others', async () => {
    const aclFile = join(temporaryDirectory(), 'acl.json')
    const token = (name: string) => ({ accessorID: name, type: 'management', secretHash: hashSecret(name) })
    writeFileSync(aclFile, JSON.stringify({ tokens: [token('one'), token('two')] }))
    const { url } = await start({
      aclFile,
      http: { host: '0.0.0.0', port: 0 },
      insecure: true,
      limits: { requestsInFlight: 4 },
    })
    const { port } = new URL(url)
    const wait = (name: string) =>
      `GET /v1/volumes?type=csi&index=999999 HTTP/1.1\r\nhost: localhost\r\nx-nomad-token: ${name}\r\n\r\n`
    const ask = (name: string, address: string) =>
      get(`http://${address}:${port}/v1/regions`, { 'x-nomad-token': name, host: 'localhost' })
    const held = [await open(url, wait('one')), await open(url, wait('one'))]
    // Its token is known at another address, too; another client at another address is served.
    await vi.waitFor(async () => expect((await ask('one', '127.0.0.1')).status).toBe(503))
    const [other] = Object.values(networkInterfaces())
      .flat()
      .filter((address) => address?.family === 'IPv4' && !address.internal)
    if (other !== undefined) {
      expect((await ask('one', other.address)).status).toBe(503)
      expect((await ask('two', other.address)).status).toBe(200)
    }
    expect((await ask('two', '127.0.0.1')).status).toBe(503)
    for (const { socket } of held) socket.destroy()
    await vi.waitFor(async () => expect((await ask('two', '127.0.0.1')).status).toBe(200))
  })
})

describe('TLS', () => {
  const secureGet = (url: string, options: { ca: string; cert?: string; key?: string; host?: string }) =>
    new Promise<{ status: number; text: string; peer: PeerCertificate }>((resolve, reject) => {
      const { host, ...tls } = options
      const headers = host === undefined ? {} : { host }
      tlsRequest(url, { ...tls, agent: false, headers, servername: 'localhost' }, (answer) => {
        if (!(answer.socket instanceof TLSSocket)) throw new Error('not over TLS')
        const peer = answer.socket.getPeerCertificate()
        readAll(answer).then((read) => resolve({ ...read, peer }), reject)
      })
        .on('error', reject)
        .end()
    })

  async function prepare() {
    const directory = temporaryDirectory()
    const authority = await createAuthority(directory)
    const issued = await authority.issue('server', ['localhost', '127.0.0.1', '*.volumes.example'])
    return { directory, authority, issued, tls: { cert: issued.certFile, key: issued.keyFile } }
  }

  it('is served by the certificate, whose names are the server’s own', async () => {
    const { authority, tls } = await prepare()
    const { url } = await start({ tls })
    expect(url).toMatch(/^https:/)
    expect(await secureGet(`${url}/v1/regions`, { ca: authority.cert })).toMatchObject({ status: 200 })
    const named = { ca: authority.cert, host: 'a.volumes.example' }
    expect(await secureGet(`${url}/v1/regions`, named)).toMatchObject({ status: 200 })
    const foreign = { ca: authority.cert, host: 'evil.example' }
    expect(await secureGet(`${url}/v1/regions`, foreign)).toMatchObject({ status: 403 })
  })

  it('lets in only certificates of the authority of clients', async () => {
    const { authority, tls } = await prepare()
    const others = await createAuthority(temporaryDirectory(), 'Others')
    const { url } = await start({ tls: { ...tls, clientCA: authority.certFile } })
    const ask = (client?: { cert: string; key: string }) =>
      secureGet(`${url}/v1/regions`, {
        ca: authority.cert,
        ...(client && { cert: client.cert, key: client.key }),
      })
    expect(await ask(await authority.issue('client', []))).toMatchObject({ status: 200 })
    await expect(ask()).rejects.toThrow(/certificate required|ECONNRESET|socket hang up/)
    await expect(ask(await others.issue('client', []))).rejects.toThrow(
      /unknown ca|ECONNRESET|socket hang up/,
    )
  })

  it('goes on with a renewed certificate, without a restart', async () => {
    const { directory, authority, issued, tls } = await prepare()
    const { url } = await start({ tls })
    const renewed = await authority.issue('renewed', ['localhost'])
    cpSync(renewed.keyFile, join(directory, 'server-key.pem'))
    cpSync(renewed.certFile, issued.certFile)
    await vi.waitFor(
      async () =>
        expect((await secureGet(`${url}/v1/regions`, { ca: authority.cert })).peer.subject.CN).toBe(
          'renewed',
        ),
      { timeout: 10_000 },
    )
  })

  it('answers connections beyond the limit with 429, too', async () => {
    const { authority, tls } = await prepare()
    const { url } = await start({ tls, limits: { connectionsPerClient: 1 } })
    const held: Socket = (await open(url, '')).socket
    await expect(secureGet(`${url}/v1/regions`, { ca: authority.cert })).resolves.toMatchObject({
      status: 429,
    })
    held.destroy()
  })

  it('refuses a key that is not the certificate’s, by the names of the files', async () => {
    const { authority, issued, tls } = await prepare()
    const other = await authority.issue('other', ['localhost'])
    await expect(start({ tls: { ...tls, key: other.keyFile } })).rejects.toThrow(issued.certFile)
  })
})

describe('off loopback', () => {
  it('refuses to start in the clear', async () => {
    await expect(start({ http: { host: '0.0.0.0', port: 0 } })).rejects.toThrow(
      /refuses to listen on 0\.0\.0\.0 without .*TLS.*--insecure/,
    )
  })

  it('starts where it is told that this is meant', async () => {
    await start({ http: { host: '0.0.0.0', port: 0 }, insecure: true })
  })
})

describe('a connection on which nothing is said', () => {
  it('does not hold up the end of the server', async () => {
    const { url, close } = await start()
    const { socket } = await open(url, '')
    const ended = once(socket, 'close')
    await close()
    await ended
  })
})
