import { execFile, execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createServer, type Http2Server, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { ServerCredentials } from '@grpc/grpc-js'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createPluginClient } from '../../../src/csi/plugin-client.ts'
import { temporaryDirectory } from '../../support/driver.ts'
import { startFakePlugin } from '../../support/fake-plugin.ts'

let directory: Awaited<ReturnType<typeof temporaryDirectory>>

beforeEach(async () => {
  directory = await temporaryDirectory()
})
afterEach(() => directory.remove())

/** One gRPC message: a flag, a length, the bytes. */
function frame(bytes: Buffer): Buffer {
  const head = Buffer.alloc(5)
  head.writeUInt32BE(bytes.length, 1)
  return Buffer.concat([head, bytes])
}

/** An HTTP/2 server that speaks gRPC as badly as a test wants. */
async function serveRaw(respond: (stream: ServerHttp2Stream) => void) {
  const sessions = new Set<ServerHttp2Session>()
  const server: Http2Server = createServer()
  server.on('session', (session) => sessions.add(session))
  server.on('stream', (stream) => {
    stream.on('error', () => {})
    respond(stream)
  })
  await new Promise<void>((resolve) => server.listen(join(directory.path, 's'), resolve))
  return async () => {
    for (const session of sessions) session.destroy()
    await new Promise((resolve) => server.close(resolve))
  }
}

const headers = { ':status': 200, 'content-type': 'application/grpc' }

function answerWith(messages: Buffer[]) {
  return (stream: ServerHttp2Stream) => {
    stream.respond(headers, { waitForTrailers: true })
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }))
    for (const message of messages) stream.write(message)
    stream.end()
  }
}

test.each<[string, (stream: ServerHttp2Stream) => void, string]>([
  ['answers twice', answerWith([frame(Buffer.alloc(0)), frame(Buffer.alloc(0))]), 'may-be-running'],
  ['answers with no message', answerWith([]), 'broken-answer'],
  [
    'answers with bytes that are no message',
    answerWith([frame(Buffer.from([0x0a, 0xff, 0xff]))]),
    'broken-answer',
  ],
  [
    'cuts the connection half way through a message',
    (stream) => {
      stream.respond(headers)
      stream.write(Buffer.from([0, 0, 0, 0, 99, 1]), () => stream.session?.destroy())
    },
    'may-be-running',
  ],
  ['resets the stream', (stream) => stream.close(2), 'may-be-running'],
  [
    'is a web server',
    (stream) => {
      stream.respond({ ':status': 502, 'content-type': 'text/html' })
      stream.end('<h1>Bad Gateway</h1>')
    },
    'may-be-running',
  ],
])('a plugin that %s leaves its caller with a class', async (_title, respond, errorClass) => {
  const stop = await serveRaw(respond)
  const client = createPluginClient({
    pluginID: 'raw',
    endpoint: `unix://${directory.path}/s`,
    deadlines: { GetPluginInfo: 1_000 },
  })
  await expect(client.getPluginInfo({})).rejects.toMatchObject({ errorClass })
  client.close()
  await stop()
})

test('after calls that hang, fail and wait, a closed client keeps no process alive', async () => {
  const stop = await serveRaw((stream) => {
    if ((stream.id ?? 0) % 3 === 0) stream.close(2)
  })
  // A process that ends by itself holds no timer and no socket.
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [
      fileURLToPath(new URL('../../support/call-and-close.ts', import.meta.url)),
      `unix://${directory.path}/s`,
    ],
    { timeout: 20_000 },
  )
  expect(stdout).toBe('100 calls ended, closed\n')
  await stop()
})

const hasOpenssl = (() => {
  try {
    execFileSync('openssl', ['version'])
    return true
  } catch {
    return false
  }
})()

// Certificates are made on the spot by openssl: skipped where it is not installed.
describe.skipIf(!hasOpenssl)('over TCP with TLS', () => {
  const certificate = (name: string) => {
    const [key, cert] = [join(directory.path, `${name}.key`), join(directory.path, `${name}.crt`)]
    execFileSync(
      'openssl',
      [
        ...[
          'req',
          '-x509',
          '-newkey',
          'ec',
          '-pkeyopt',
          'ec_paramgen_curve:prime256v1',
          '-nodes',
          '-days',
          '1',
        ],
        ...['-subj', `/CN=${name}`, '-addext', `subjectAltName=DNS:${name}`, '-keyout', key, '-out', cert],
      ],
      { stdio: 'ignore' },
    )
    return { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') }
  }

  test('both sides prove who they are; without a certificate the plugin is not reached', async () => {
    const server = certificate('plugin.example')
    const client = certificate('client.example')
    const credentials = ServerCredentials.createSsl(
      Buffer.from(client.cert),
      [{ private_key: Buffer.from(server.key), cert_chain: Buffer.from(server.cert) }],
      true,
    )
    const plugin = await startFakePlugin('127.0.0.1:0', {}, credentials)
    const endpoint = `tcp://127.0.0.1:${plugin.port}`
    const tls = { ca: server.cert, serverName: 'plugin.example', ...client }
    const trusted = createPluginClient({ pluginID: 'tls', endpoint, tls })
    expect(await trusted.getPluginInfo({})).toMatchObject({ name: 'fake.example.com' })
    trusted.close()
    for (const wrong of [
      { ca: server.cert, serverName: 'plugin.example' },
      { ...tls, ca: client.cert },
    ]) {
      const stranger = createPluginClient({ pluginID: 'tls', endpoint, tls: wrong, connectTimeoutMs: 300 })
      await expect(stranger.getPluginInfo({})).rejects.toMatchObject({ code: 14 })
      stranger.close()
    }
    plugin.die()
  })
})
