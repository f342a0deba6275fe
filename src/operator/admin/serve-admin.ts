import { chmodSync } from 'node:fs'
import { umask } from 'node:process'
import { type FastifyRequest, fastify } from 'fastify'
import Type from 'typebox'
import { reserveAdminSocket } from '../../lib/admin-socket.ts'
import { UsageError } from '../../lib/errors.ts'
import { stringifyJSON } from '../../lib/json.ts'
import type { Log } from '../../lib/log.ts'
import { packageVersion } from '../../lib/version.ts'
import { Order, parseOrder } from '../orders/order.ts'
import type { OrderGiver } from '../plan/orders.ts'
import { type Admin, userHeader, versionHeader } from './admin.ts'
import { registerApi } from './http/register-api.ts'
import type { Pages } from './pages/pages.ts'

const StatusQuery = Type.Object({
  after: Type.Optional(Type.Integer()),
  cluster: Type.Optional(Type.String()),
})

/**
 * Serves the admin API over HTTP, on a unix socket in the operator's directory that its own user alone may open.
 * To be called under the directory's lock.
 */
export async function serveAdmin(options: {
  readonly directory: string
  readonly admin: Admin
  /** The operators of other Nomad clusters in this process, by the name of their NomadCluster: `?cluster=` asks one. */
  readonly clusters?: () => ReadonlyMap<string, Admin>
  /** Answers the API for people here too. */
  readonly pages?: Pages
  /** Set where the dashboard is served. */
  readonly createLoginLink?: (() => string) | undefined
  readonly log: Log
}): Promise<{ close(): Promise<void> }> {
  const { log } = options
  const of = ({ query }: { query: unknown }): Admin => {
    const { cluster } = query as { cluster?: string } // As the schema says, or fastify parses it.
    if (cluster === undefined) return options.admin
    const found = options.clusters?.().get(cluster)
    if (found !== undefined) return found
    throw new UsageError(
      `this process works for no NomadCluster "${cluster}": kubectl get nomadclusters lists those there are`,
    )
  }
  const app = fastify({ forceCloseConnections: true })
  app.setSerializerCompiler(() => stringifyJSON)
  app.setReplySerializer((payload) => stringifyJSON(payload))
  app.addHook('onSend', async (_request, reply) => {
    reply.header(versionHeader, packageVersion())
  })
  app.setErrorHandler((error: Error & { statusCode?: number }, request, reply) => {
    const status = error instanceof UsageError ? 400 : (error.statusCode ?? 500)
    if (status >= 500) log.error({ url: request.url, error: error.message }, 'admin request failed')
    return reply.code(status).send({ message: error.message })
  })

  app.get('/v1/info', (request) => of(request).info())
  app.get<{ Querystring: Type.Static<typeof StatusQuery> }>(
    '/v1/status',
    { schema: { querystring: StatusQuery } },
    (request) => of(request).status(request.query.after),
  )
  app.get('/v1/objects', (request) => of(request).objects())
  app.get('/v1/inventory', (request) => of(request).inventory())
  app.get('/v1/hash-key', async (request) => ({ hashKey: await of(request).hashKey() }))
  app.get('/v1/orphans', (request) => of(request).orphans())
  app.post<{ Body: Order }>(
    '/v1/orders',
    { schema: { body: Order }, validatorCompiler: () => readOrder },
    async (request) => ({ message: await of(request).order(request.body, giverOf(request.headers)) }),
  )
  const { pages, createLoginLink } = options
  if (pages !== undefined) {
    // Only the operator's own user and root can open the socket.
    const admit = ({ headers }: FastifyRequest) => ({ role: 'operator' as const, giver: giverOf(headers) })
    registerApi(app, { pages, admit, log })
  }
  app.post('/v1/login-link', async () => {
    if (createLoginLink !== undefined) return { url: createLoginLink() }
    throw new UsageError(
      'the operator that runs here serves no dashboard: start it with --http-ui 127.0.0.1:4680',
    )
  })
  app.post('/v1/reconcile', async (request) => {
    await of(request).reconcile()
    return {}
  })

  const socket = reserveAdminSocket(options.directory)
  // From the first moment on, no other user can open it, wherever the directory is.
  const before = umask(0o077)
  try {
    await app.listen({ path: socket.path })
    chmodSync(socket.path, 0o600)
  } catch (error) {
    await app.close()
    socket.remove()
    throw error
  } finally {
    umask(before)
  }
  return {
    async close() {
      await app.close()
      socket.remove()
    },
  }
}

const longestUser = 128

/**
 * Who gives the order: the user that the other side says it is. Node shows nobody's user on a socket, and the socket is open
 * to the operator's own user and root alone.
 */
function giverOf(headers: Readonly<Record<string, unknown>>): OrderGiver {
  const { [userHeader]: said } = headers
  const via = 'admin socket'
  if (typeof said !== 'string') return { via }
  try {
    // It is printed, so no control characters.
    const user = decodeURIComponent(said)
      .replace(/\p{Cc}/gu, '')
      .slice(0, longestUser)
    return { via, user }
  } catch {
    return { via } // Not encoded as it should be, so it names nobody.
  }
}

/** The parser of orders in the form that fastify takes. Its refusals say what to write. */
function readOrder(body: unknown): { value: Order } | { error: Error } {
  try {
    return { value: parseOrder(body) }
  } catch (error) {
    return { error: error as Error } // It throws nothing else.
  }
}
