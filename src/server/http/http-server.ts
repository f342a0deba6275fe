import { createServer, type OutgoingHttpHeaders, type Server } from 'node:http'
import { createServer as createTlsServer, Server as TlsServer } from 'node:https'
import type { Socket } from 'node:net'
import { Readable } from 'node:stream'
import { type FastifyReply, type FastifyRequest, fastify, type HTTPMethods } from 'fastify'
import type { Clock } from '../../lib/clock.ts'
import { errorMessage } from '../../lib/errors.ts'
import {
  createConnectionLimit,
  createRequestLimit,
  type Limits,
  slownessLimits,
} from '../../lib/http/limits.ts'
import { isMeantForUs } from '../../lib/http/own-host.ts'
import type { Tls } from '../../lib/http/tls.ts'
import type { Log } from '../../lib/log.ts'
import { type Acl, noAcl } from '../acl/acl.ts'
import { ApiError } from '../errors.ts'
import { chooseCoding } from './accept-encoding.ts'
import type { ApiAnswer, ApiRequest, Resource } from './api.ts'
import { cleanPath } from './path.ts'
import { indexHeaders, refusalOf } from './refusal.ts'
import { createOperation, readRequest, servedMethod } from './run-operation.ts'
import { writeBody } from './write-body.ts'

const methods: readonly HTTPMethods[] = ['GET', 'HEAD', 'PUT', 'POST', 'DELETE', 'PATCH', 'OPTIONS', 'TRACE']

/** Long enough for an ID of 1 KiB with every byte percent-encoded. */
const longestParam = 4096

export interface HttpServerOptions {
  readonly resources: readonly Resource[]
  /** Answers a path that is no resource, or throws its error. */
  readonly absent: (method: string, path: string, request: ApiRequest) => Promise<ApiAnswer>
  /** The one region that requests may name. */
  readonly region: string
  /** Names and addresses that the server goes by, beside those of loopback and of its certificate. */
  readonly names: readonly string[]
  /** Not given: in the clear. */
  readonly tls?: Tls
  readonly limits: Limits
  readonly acl: Acl
  readonly log: Log
  readonly clock: Clock
  /** As State has it: no answer goes out before what it rests on is on the disk. */
  settled(): Promise<void> | undefined
}

/** Lays the resources over HTTP: bodies, headers, errors and encodings as Nomad's agent has them. */
export function createHttpServer(options: HttpServerOptions) {
  const { resources, absent, region, names, limits, acl, log, clock, settled } = options
  let isClosing = false
  let inFlight = 0
  /**
   * At the end: connections whose last answer is over. For Node, one on which nothing was ever said is not idle, and would
   * hold up the close; so would one whose answer began before the close, and could not say that it is the last.
   */
  const endConnections = () => {
    if (isClosing && inFlight === 0) for (const server of servers) server.closeAllConnections()
  }
  /** Of the requests that are being answered. */
  const underWay = new Set<AbortController>()
  let { tls } = options
  const servers: Server[] = []
  const limitConnections = createConnectionLimit(limits.connectionsPerClient)
  const fitsInFlight = createRequestLimit(limits.requestsInFlight, acl !== noAcl)
  const app = fastify({
    logger: false,
    exposeHeadRoutes: false,
    bodyLimit: limits.bodyBytes,
    forceCloseConnections: 'idle',
    // Called for each address that the host's name stands for.
    serverFactory: (handler) => {
      const shared = {
        maxHeaderSize: limits.headerBytes,
        headersTimeout: slownessLimits.headersTimeoutMs,
        requestTimeout: slownessLimits.requestTimeoutMs,
        keepAliveTimeout: 72_000,
        // HTTP/1.0 has no Host; for HTTP/1.1 the missing one is refused in words.
        requireHostHeader: false,
      }
      const server: Server =
        tls === undefined
          ? createServer(shared, handler)
          : createTlsServer(
              {
                ...shared,
                ...tls.options,
                handshakeTimeout: slownessLimits.handshakeTimeoutMs,
                requestCert: tls.options.ca !== undefined,
                rejectUnauthorized: tls.options.ca !== undefined,
              },
              handler,
            )
      // A connection that cannot be taken, because no handle is left say, ends nothing.
      server.once('listening', () =>
        server.on('error', (error) => log.error({ reason: errorMessage(error) }, 'connection is not taken')),
      )
      limitConnections(server, tls !== undefined)
      server.on('connection', (socket: Socket) => {
        if (isClosing) socket.destroy()
      })
      servers.push(server)
      return server
    },
    // What is no HTTP that can be read: there is no request to answer, only a connection.
    clientErrorHandler: (error, socket) => {
      if (!socket.writable) {
        socket.destroy()
        return
      }
      const [status, text] =
        error.code === 'HPE_HEADER_OVERFLOW'
          ? ['431 Request Header Fields Too Large', 'Request headers are too large']
          : error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
            ? ['408 Request Timeout', 'Request was not sent in time']
            : ['400 Bad Request', 'Request is not valid HTTP']
      log.debug({ status, reason: error.code }, 'connection refused')
      socket.end(
        `HTTP/1.1 ${status}\r\nContent-Type: ${plainText}\r\nContent-Length: ${text.length}\r\nConnection: close\r\n\r\n${text}`,
      )
    },
    routerOptions: { maxParamLength: longestParam, caseSensitive: true },
    // Such as a path with broken percent-encoding: it reached no route.
    frameworkErrors: (error, _request, reply) => {
      sendError(reply, error, log)
    },
  })

  const own = { names, certificate: () => tls?.certificate }

  /** What the last request of a connection named as its Host; clients do not change that. */
  const knownHosts = new WeakMap<Socket, string | undefined>()
  const isMeant = ({ headers, socket }: FastifyRequest) => {
    const { host, origin, 'sec-fetch-site': site } = headers
    const isOfProgram = origin === undefined && site === undefined
    if (isOfProgram && host !== undefined && knownHosts.get(socket) === host) return true
    if (!isMeantForUs(headers, socket.localAddress, own)) return false
    knownHosts.set(socket, host)
    return true
  }

  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body))
  app.addHook('onRequest', (request, reply, done) => {
    const startedMs = clock.monotonicMs()
    // A body is JSON, whatever is said of it; Fastify would refuse a type that is none.
    delete request.headers['content-type']
    inFlight++
    // Emitted once for every request, answered or cut off.
    reply.raw.once('close', () => {
      inFlight--
      endConnections()
      // Reads are many. As in Nomad they are logged for debugging only.
      const level = request.method === 'GET' && reply.statusCode < 400 ? 'debug' : 'info'
      if (!log.isLevelEnabled(level)) return
      // Only the path: a query can carry secrets.
      const [path] = request.url.split('?', 1)
      const cutOff = reply.raw.writableFinished ? {} : { cutOff: true }
      const durationMs = Math.round(clock.monotonicMs() - startedMs)
      const fields = { method: request.method, path, status: reply.statusCode, durationMs, ...cutOff }
      log[level](fields, 'request')
    })
    if (request.headers.host === undefined && request.raw.httpVersion !== '1.0') {
      return done(new ApiError(400, 'missing required Host header'))
    }
    if (!isMeant(request)) {
      return done(
        new ApiError(
          403,
          'Permission denied: Host or Origin is foreign; web pages of elsewhere get no answer',
        ),
      )
    }
    if (!fitsInFlight(request.raw, reply.raw)) {
      reply.header('Retry-After', '1')
      return done(new ApiError(503, 'too many requests in flight'))
    }
    const [path = '', ...query] = request.url.split('?')
    const clean = path.startsWith('/') ? cleanPath(path) : undefined
    if (clean !== undefined) {
      void reply
        .code(307)
        .header('Location', [clean, ...query].join('?'))
        .type(plainText)
        .send('')
      return
    }
    done()
  })
  app.addHook('onSend', (_request, reply, _payload, done) => {
    // A connection that stays open would hold up the close.
    if (isClosing) reply.header('Connection', 'close')
    done()
  })
  app.setErrorHandler((error, _request, reply) => sendError(reply, error, log))
  /** From a request that is let in to its answer. */
  const serve = async (
    request: FastifyRequest,
    reply: FastifyReply,
    run: (request: ApiRequest, bytes: Buffer | undefined) => Promise<ApiAnswer>,
  ) => {
    const under = new AbortController()
    underWay.add(under)
    // A finished answer has nothing to stop.
    reply.raw.once('close', () => {
      underWay.delete(under)
      if (!reply.raw.writableFinished) under.abort(clientIsGone)
    })
    if (isClosing) under.abort(serverCloses)
    const { url, headers } = request
    const received = { url, headers, params: request.params as Record<string, string>, signal: under.signal }
    const apiRequest = readRequest(received, region, acl)
    const answer = await run(apiRequest, Buffer.isBuffer(request.body) ? request.body : undefined)
    return await sendAnswer(answer, apiRequest, reply, isClosing)
  }

  app.setNotFoundHandler(async (request, reply) => {
    const [path = ''] = request.url.split('?', 1)
    return await serve(request, reply, (apiRequest) => absent(request.method, path, apiRequest))
  })

  for (const resource of resources) {
    const allowed = allowedMethods(resource)
    for (const method of methods) {
      const served = servedMethod(method)
      const operation = served && createOperation(resource, served, settled)
      app.route({
        method,
        url: resource.path,
        handler: async (request, reply) => {
          if (operation === undefined) {
            reply.header('Allow', allowed)
            throw new ApiError(405, 'Invalid method')
          }
          return await serve(request, reply, operation)
        },
      })
    }
  }

  return {
    app,
    /** New connections get the new certificate. */
    useTls(renewed: Tls) {
      tls = renewed
      for (const server of servers) if (server instanceof TlsServer) server.setSecureContext(renewed.options)
    },
    /** Answers blocked queries with the current state, lets other requests finish, and closes. */
    async close() {
      isClosing = true
      for (const under of underWay) under.abort(serverCloses)
      endConnections()
      await app.close()
    },
  }
}

/** For the header Allow (RFC 9110, 15.5.6). */
const allowedMethods = ({ GET, PUT, DELETE }: Resource) =>
  [...(GET ? ['GET'] : []), ...(PUT ? ['PUT', 'POST'] : []), ...(DELETE ? ['DELETE'] : [])].join(', ')

const plainText = 'text/plain; charset=utf-8'

const clientIsGone = new Error('the client is gone')
const serverCloses = new Error('the server closes')

async function sendAnswer(
  answer: ApiAnswer,
  { query, headers: { 'accept-encoding': accepted = '' } }: ApiRequest,
  reply: FastifyReply,
  isClosing: boolean,
) {
  if (answer.lines !== undefined) {
    const headers = { 'Content-Type': 'application/json', 'Cache-Control': 'no-cache' }
    // One at a time, so that what a slow reader does not take waits in no buffer of ours.
    return reply.headers(headers).send(Readable.from(answer.lines, { highWaterMark: 1 }))
  }
  const pretty = query.get('pretty')
  const coding = chooseCoding(`${accepted}`)
  const body = writeBody(answer, pretty !== null && pretty !== '0', coding)
  const headers: OutgoingHttpHeaders = {
    ...indexHeaders(answer.index),
    ...(answer.nextToken && { 'X-Nomad-NextToken': answer.nextToken }),
    ...(body !== undefined && { 'Content-Type': 'application/json', Vary: 'Accept-Encoding' }),
    ...(coding !== undefined && body !== undefined && { 'Content-Encoding': coding }),
  }
  if (body !== undefined && typeof body !== 'string') return reply.headers(headers).send(await body)
  // Fastify would take a text apart into two writes, and add a charset to its type, which Nomad does not have.
  reply.hijack()
  reply.raw.writeHead(200, {
    ...headers,
    'Content-Length': Buffer.byteLength(body ?? ''),
    ...(isClosing && { Connection: 'close' }),
  })
  reply.raw.end(body)
}

function sendError(reply: FastifyReply, error: unknown, log: Log) {
  const { status, headers, text } = refusalOf(error, log)
  return reply.type(plainText).headers(headers).code(status).send(text)
}
