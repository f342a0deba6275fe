import { randomBytes } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import { createServer as createTlsServer, Server as TlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { hostname } from 'node:os'
import { type FastifyInstance, type FastifyRequest, fastify } from 'fastify'
import { Check } from 'typebox/value'
import type { Clock } from '../../../lib/clock.ts'
import { errorMessage, UsageError } from '../../../lib/errors.ts'
import { createFileValue } from '../../../lib/file-value.ts'
import { slownessLimits } from '../../../lib/http/limits.ts'
import { hasOwnHost, isLoopback, isMeantForUs } from '../../../lib/http/own-host.ts'
import { loadTls, type Tls, type TlsFiles, watchTls } from '../../../lib/http/tls.ts'
import type { Log } from '../../../lib/log.ts'
import { LoginRequest, type Role, requestHeader } from '../../../wire/dashboard/session.ts'
import type { Pages } from '../pages/pages.ts'
import { type Access, createAccess, includesRole, type ProxySettings, sessionCookie } from './access.ts'
import { createEventStreams } from './event-stream.ts'
import { createForward } from './forward.ts'
import { NotLoggedIn, registerApi, sendAnswer, sendError, sendFailure } from './register-api.ts'
import { NotAllowed } from './routes.ts'
import { registerStatic } from './serve-static.ts'
import { findDashboard, type PageFiles } from './static-files.ts'
import { streamEvents } from './stream-events.ts'
import { readUITokens, type UITokens } from './ui-tokens.ts'

/** Where the dashboard is served, and who may use it. */
export interface UISettings {
  readonly host: string
  /** 0 for any free port. */
  readonly port: number
  readonly tokenFile?: string
  readonly proxy?: ProxySettings
  readonly tls?: TlsFiles
  /** Names that clients call the server by, beside those of loopback, of this machine and of the certificate. */
  readonly names: readonly string[]
  /** It takes no orders, whatever the role. */
  readonly readOnly: boolean
  /** `host:port` at which the other replicas reach this one; undefined: they do not. */
  readonly advertise?: string
}

export interface RunningUI {
  readonly url: string
  /** A link that logs in once, as operator. */
  createLoginLink(): string
  close(): Promise<void>
}

/** A pasted document is the largest. */
const longestBodyBytes = 1_200_000

const securityHeaders = {
  'content-security-policy': [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    "font-src 'self'",
    "connect-src 'self'",
    "manifest-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
  ].join('; '),
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
}

/**
 * Serves the dashboard and the API for people.
 * @throws UsageError where it cannot listen there, or its files cannot be used
 */
export async function serveUI(options: {
  readonly settings: UISettings
  readonly pages: Pages
  /** Why nobody may give orders; undefined: who has the role may. */
  readonly noOrders: string | undefined
  /** Where the replica that leads answers; undefined: here. */
  readonly leader: () => string | undefined
  /** The folder of the built page; undefined: it is not built. Looked for until it is there. */
  readonly findPage?: () => PageFiles | undefined
  readonly clock: Clock
  readonly log: Log
}): Promise<RunningUI> {
  const { settings, pages, noOrders, clock, log } = options
  const { host, port, tokenFile, proxy } = settings
  let tls: Tls | undefined = settings.tls && loadTls(settings.tls)
  const access = createAccess({
    tokens: tokensOf(tokenFile, log),
    ...(proxy === undefined ? {} : { proxy }),
    isLocal: isLoopback(host),
    noOrders,
    clock,
    randomText: (bytes) => randomBytes(bytes).toString('base64url'),
  })
  const streams = createEventStreams({ pages, epoch: randomBytes(6).toString('base64url'), clock })
  const servers: Server[] = []
  const app = fastify({
    logger: false,
    bodyLimit: longestBodyBytes,
    forceCloseConnections: true,
    // Called for each address that the host's name stands for.
    serverFactory: (handler) => {
      const shared = {
        headersTimeout: slownessLimits.headersTimeoutMs,
        requestTimeout: slownessLimits.requestTimeoutMs,
      }
      const server: Server =
        tls === undefined
          ? createServer(shared, handler)
          : createTlsServer(
              {
                ...shared,
                ...tls.options,
                requestCert: tls.options.ca !== undefined,
                rejectUnauthorized: tls.options.ca !== undefined,
              },
              handler,
            )
      servers.push(server)
      return server
    },
    frameworkErrors: (error, _request, reply) => {
      sendError(reply, error, log)
    },
  })
  const names = { names: namesOf(settings), certificate: () => tls?.certificate }
  app.addHook('onRequest', (request, reply, done) => {
    reply.headers(securityHeaders)
    const { headers, socket, url } = request
    const isMeant = url.startsWith('/api/')
      ? isMeantForUs(headers, socket.localAddress, names)
      : hasOwnHost(headers, socket.localAddress, names)
    if (!isMeant) return done(new NotAllowed(foreign))
    const isBearer = headers.authorization !== undefined
    if (
      request.method !== 'GET' &&
      request.method !== 'HEAD' &&
      !isBearer &&
      headers[requestHeader] === undefined
    )
      return done(
        new NotAllowed(`the header ${requestHeader} is missing: every request that is no GET carries it`),
      )
    done()
  })
  app.setErrorHandler((error, _request, reply) => sendError(reply, error, log))
  const forward = createForward(options.leader)
  // Over TLS the leader would have to be called by the name of its certificate.
  if (settings.tls === undefined)
    app.addHook('onRequest', async (request, reply) => {
      if (request.url.startsWith('/api/') && (await forward.take(request, reply))) return reply
    })

  registerApi(app, { pages, admit: (request, needed) => admit(access, request, needed), log })
  registerSession(app, access, tls !== undefined)
  app.get('/api/events', (request, reply) => {
    admit(access, request, 'viewer')
    const isAllowed = () => access.sessionOf(callerOf(request)).role !== undefined
    return streamEvents(streams, request, reply, isAllowed)
  })
  registerStatic(app, options.findPage ?? findDashboard)

  try {
    await app.listen({ host, port })
  } catch (error) {
    streams.close()
    await forward.close()
    throw new UsageError(`--http-ui: ${errorMessage(error)}`, { cause: error })
  }
  const stopWatch = settings.tls
    ? watchTls(settings.tls, clock, log, (renewed) => {
        tls = renewed
        for (const server of servers)
          if (server instanceof TlsServer) server.setSecureContext(renewed.options)
      })
    : () => {}
  const address = app.server.address() as AddressInfo // It listens on a host and a port.
  const url = `${tls === undefined ? 'http' : 'https'}://${host.includes(':') ? `[${host}]` : host}:${address.port}/`
  return {
    url,
    // In the fragment, which no browser sends, so that it reaches no log.
    createLoginLink: () => `${url}#login=${access.createLoginCode()}`,
    async close() {
      stopWatch()
      streams.close()
      await Promise.all([app.close(), forward.close()])
    },
  }
}

const foreign =
  'Host or Origin is foreign: name the host that the dashboard is called by in --ui-host, and open it by that name'

function tokensOf(file: string | undefined, log: Log): () => UITokens {
  if (file === undefined) return () => new Map()
  return createFileValue({
    paths: [file],
    read: () => readUITokens(file),
    onError: (error) => log.error({ reason: errorMessage(error) }, 'the tokens of before stay in force'),
  })
}

function namesOf({ host, names }: UISettings): string[] {
  return [...names, host, hostname()].map((name) => name.toLowerCase())
}

const callerOf = ({ headers, socket }: FastifyRequest) => ({ headers, remoteAddress: socket.remoteAddress })

/** @throws NotLoggedIn, NotAllowed */
function admit(access: Access, request: FastifyRequest, needed: Role) {
  const session = access.sessionOf(callerOf(request))
  const { role, user, via = '', refusal = '' } = session
  if (role === undefined) throw new NotLoggedIn('nobody is logged in: log in with a token')
  if (!includesRole(role, needed) || (needed === 'operator' && !session.mayWrite))
    throw new NotAllowed(refusal)
  const giver = { via: `dashboard, by ${via}`, ...(user === undefined ? {} : { user }) }
  return { role, giver }
}

function registerSession(app: FastifyInstance, access: Access, isSecure: boolean): void {
  app.get('/api/session', (request, reply) => sendAnswer(request, reply, access.sessionOf(callerOf(request))))
  app.post('/api/login', (request, reply) => {
    const { body } = request
    if (!Check(LoginRequest, body)) return sendFailure(reply, 400, 'write {"token": "…"}')
    const id = access.logIn(body.token, callerOf(request))
    if (id === 'too many')
      return sendFailure(reply, 429, 'too many wrong tokens: wait a minute, and try again')
    if (id === undefined)
      return sendFailure(reply, 401, 'this token is not known, or its link was used already: get another one')
    const cookie = sessionCookie(id, isSecure)
    reply.header('set-cookie', cookie)
    const [pair = ''] = cookie.split(';')
    const { remoteAddress } = callerOf(request)
    const headers = { ...request.headers, cookie: pair }
    return sendAnswer(request, reply, access.sessionOf({ headers, remoteAddress }))
  })
  app.post('/api/logout', (request, reply) => {
    access.logOut(callerOf(request))
    reply.header('set-cookie', sessionCookie(undefined, isSecure))
    const { cookie: _, ...headers } = request.headers
    return sendAnswer(request, reply, access.sessionOf({ ...callerOf(request), headers }))
  })
}
