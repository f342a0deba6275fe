import { createHash } from 'node:crypto'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { Check, Errors } from 'typebox/value'
import { OperationError, UsageError } from '../../../lib/errors.ts'
import { stringifyJSON } from '../../../lib/json.ts'
import type { Log } from '../../../lib/log.ts'
import { packageVersion } from '../../../lib/version.ts'
import type { Role } from '../../../wire/dashboard/session.ts'
import type { OrderGiver } from '../../plan/orders.ts'
import { NotNow, type Pages } from '../pages/pages.ts'
import { createApiDocument } from './openapi.ts'
import { type ApiRoute, apiRoutes, NotAllowed } from './routes.ts'

/** A request without a role. */
export class NotLoggedIn extends Error {
  override readonly name = 'NotLoggedIn'
}

/** Lays the API for people over a server: the admin socket's, or the dashboard's. */
export function registerApi(
  app: FastifyInstance,
  options: {
    readonly pages: Pages
    /** Who asks. @throws NotLoggedIn, NotAllowed */
    readonly admit: (
      request: FastifyRequest,
      needed: Role,
    ) => { readonly role: Role; readonly giver: OrderGiver }
    readonly log: Log
  },
): void {
  const { pages, admit, log } = options
  for (const route of apiRoutes) {
    app.route({
      method: route.method,
      url: route.path,
      // The schemas are checked here, for messages that say what to write.
      async handler(request, reply) {
        try {
          const admitted = admit(request, route.role)
          const query = readQuery(route, request.query)
          const body = route.body === undefined ? undefined : readBody(route, request.body)
          const answer = await route.run(pages, { ...admitted, query, body })
          if (answer === undefined)
            return sendFailure(reply, 404, 'nothing is declared or managed under this key')
          return sendAnswer(request, reply, answer)
        } catch (error) {
          return sendError(reply, error, log)
        }
      },
    })
  }
  const document = createApiDocument(packageVersion())
  app.get('/api/openapi.json', (request, reply) => sendAnswer(request, reply, document))
}

/** Brotli was no shorter on these answers. */
const compress = promisify(gzip)
/** Shorter ones fit in a packet as they are. */
const leastCompressedBytes = 1_400

/** Sends JSON with its ETag, compressed or 304 where the other side has it. */
export async function sendAnswer(request: FastifyRequest, reply: FastifyReply, answer: object) {
  const text = stringifyJSON(answer)
  reply.headers({ 'cache-control': 'no-cache', vary: 'accept-encoding' })
  if (request.method === 'GET') {
    // Weak: it is the same with gzip and without.
    const etag = `W/"${createHash('sha1').update(text).digest('base64url')}"`
    reply.header('etag', etag)
    if (request.headers['if-none-match'] === etag) return reply.code(304).send()
  }
  reply.type('application/json')
  if (text.length < leastCompressedBytes || !takesGzip(request)) return reply.serializer(String).send(text)
  return reply.header('content-encoding', 'gzip').send(await compress(text))
}

/** Whether the request names gzip (RFC 9110, 12.5.3). With `q=0` it is refused. */
export function takesGzip({ headers }: FastifyRequest): boolean {
  return /\bgzip\b(?!\s*;\s*q=0(\.0*)?\s*(,|$))/.test(String(headers['accept-encoding'] ?? ''))
}

export function sendFailure(reply: FastifyReply, status: number, message: string) {
  return reply
    .code(status)
    .header('cache-control', 'no-store')
    .type('application/json')
    .serializer(String)
    .send(stringifyJSON({ message }))
}

export function sendError(reply: FastifyReply, error: unknown, log: Log) {
  if (error instanceof NotLoggedIn) return sendFailure(reply, 401, error.message)
  if (error instanceof NotAllowed) return sendFailure(reply, 403, error.message)
  if (error instanceof NotNow) return sendFailure(reply.header('retry-after', '1'), 503, error.message)
  if (error instanceof UsageError) return sendFailure(reply, 400, error.message)
  if (error instanceof OperationError) return sendFailure(reply, 502, error.message)
  const { statusCode = 500, message } = error as Error & { readonly statusCode?: number }
  if (statusCode < 500) return sendFailure(reply, statusCode, message)
  log.error({ error: message }, 'a request of the API failed')
  return sendFailure(reply, 500, 'the operator failed to answer: its log says why')
}

/** Texts of a query become what their schema says. @throws UsageError */
function readQuery({ query: schema }: ApiRoute, given: unknown): unknown {
  if (schema === undefined) return {}
  const { properties } = schema as unknown as {
    readonly properties: Readonly<Record<string, { type?: string }>>
  } // Queries are objects.
  const read = Object.fromEntries(
    Object.entries(given as Record<string, string | string[]>).map(([name, value]) => {
      const text = Array.isArray(value) ? value.join(',') : value
      const type = properties[name]?.type
      if (type === 'integer' && /^-?\d{1,15}$/.test(text)) return [name, Number(text)]
      if (type === 'boolean' && /^(true|false)$/.test(text)) return [name, text === 'true']
      return [name, text]
    }),
  )
  const unknown = Object.keys(read).find((name) => properties[name] === undefined)
  if (unknown !== undefined)
    throw new UsageError(`"${unknown}" is not asked for here: write ${Object.keys(properties).join(', ')}`)
  checkShape(schema, read, 'query')
  return read
}

function readBody({ body: schema, path }: ApiRoute, given: unknown): unknown {
  // parseOrder says more than a schema can.
  if (schema !== undefined && path !== '/api/orders') checkShape(schema, given, 'body')
  return given
}

function checkShape(schema: NonNullable<ApiRoute['query']>, value: unknown, what: string): void {
  if (Check(schema, value)) return
  const [first] = Errors(schema, value)
  throw new UsageError(`the ${what} cannot be used: ${first?.instancePath || 'the whole'} ${first?.message}`)
}
