import type { IncomingHttpHeaders } from 'node:http'
import { pipeline } from 'node:stream/promises'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { Agent, type Dispatcher } from 'undici'
import { errorMessage } from '../../../lib/errors.ts'
import { NotNow } from '../pages/pages.ts'

/** Set on what another replica passed on, so that nothing goes round in a circle. */
const forwardedHeader = 'mooring-forwarded'

/** Headers of one connection, not of the request (RFC 9110, 7.6.1). */
const ofConnection = new Set([
  'connection',
  'keep-alive',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'expect',
])

/**
 * Passes requests on to the replica that leads: a Service or an ingress chooses among all of them, and only one knows how
 * things stand. Sessions are those of the leader.
 * @param leader `host:port`; undefined: this replica leads, or nobody says where the leader is
 */
export function createForward(leader: () => string | undefined) {
  const dispatcher = new Agent({ bodyTimeout: 0, connect: { timeout: 3_000 } })
  return {
    /** Whether the request was taken. @throws NotNow where the leader does not answer */
    async take(request: FastifyRequest, reply: FastifyReply): Promise<boolean> {
      const address = leader()
      const isOurs = request.headers[forwardedHeader] !== undefined
      if (address === undefined || isOurs) return false
      const answer = await send(address, request).catch((error: unknown) => {
        throw new NotNow(
          `this replica stands by, and the one that leads does not answer at ${address} (${errorMessage(error)}): ask again`,
        )
      })
      reply.hijack()
      reply.raw.writeHead(answer.statusCode, withoutConnection(answer.headers))
      // Either side may go at any time, which ends the other.
      await pipeline(answer.body, reply.raw).catch(() => {})
      return true
    },
    close: () => dispatcher.destroy(),
  }

  async function send(address: string, { raw, method, url, headers }: FastifyRequest) {
    const hasBody = method !== 'GET' && method !== 'HEAD'
    return dispatcher.request({
      origin: `http://${address}`,
      path: url,
      method: method as Dispatcher.HttpMethod, // It is one that was received.
      headers: { ...withoutConnection(headers), [forwardedHeader]: '1' },
      body: hasBody ? raw : null,
    })
  }
}

function withoutConnection(headers: IncomingHttpHeaders): Record<string, string | string[]> {
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) =>
      value === undefined || ofConnection.has(name) ? [] : [[name, value]],
    ),
  )
}
