import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { hostileRequest, sendHostile } from '../../builders/hostile-requests.ts'
import { startTestServer, type TestServer, volumeBody } from '../../fakes/api-server.ts'

let server: TestServer
const secret = 'S3CRET-NEVER-SHOWN'

beforeAll(async () => {
  server = await startTestServer({ random: () => 0 })
  await server.call('PUT', '/v1/volume/csi/v1/create', volumeBody('v1', { Secrets: { password: secret } }))
})
afterAll(() => server.dispose())

describe('whatever is sent', () => {
  it('is answered without a fault of the server, a stack trace or a secret', async () => {
    await fc.assert(
      fc.asyncProperty(hostileRequest, async (sent) => {
        const answer = await sendHostile(server.url, sent).catch((error: Error) => {
          // A body beyond the limit is answered, and the connection cut, before it is read.
          expect(sent.body.length).toBeGreaterThan(4 * 1024 * 1024)
          expect(error.message).toMatch(/EPIPE|ECONNRESET/)
          return { status: 413, text: '' }
        })
        expect(answer.status).toBeLessThan(500)
        expect(answer.text).not.toContain(secret)
        expect(answer.text).not.toMatch(/\n\s+at .*:\d+/)
      }),
      { numRuns: 700 },
    )
    expect((await server.call('GET', '/v1/volume/csi/v1')).status).toBeLessThan(500)
  })

  it('that a client sends with broken HTTP is refused, and the next one served', async () => {
    const { connect } = await import('node:net')
    const { port } = new URL(server.url)
    for (const bytes of [
      'GARBAGE\r\n\r\n',
      'GET /v1/volumes HTTP/9.9\r\n\r\n',
      'GET \xff HTTP/1.1\r\n\r\n',
    ]) {
      const text = await new Promise<string>((resolve) => {
        let received = ''
        const socket = connect(Number(port), '127.0.0.1', () => socket.write(bytes, 'latin1'))
        socket.on('data', (chunk) => {
          received += chunk
        })
        socket.on('close', () => resolve(received))
        socket.on('error', () => resolve(received))
      })
      expect(text).toMatch(/^HTTP\/1\.1 4\d\d /)
      expect(text).not.toMatch(/\n\s+at .*:\d+/)
    }
    expect((await server.call('GET', '/v1/regions')).status).toBe(200)
  })
})
