import type { TSchema } from 'typebox'
import { Failure } from '../../../wire/dashboard/common.ts'
import { LoginRequest, requestHeader, Session } from '../../../wire/dashboard/session.ts'
import { type ApiRoute, apiRoutes } from './routes.ts'

const session = [
  ['GET', '/api/session', 'Who asks, and what they may do.', undefined],
  ['POST', '/api/login', 'Begins a session with a token, and sets its cookie.', LoginRequest],
  ['POST', '/api/logout', 'Ends the session.', undefined],
] as const

/** The OpenAPI 3.1 document of the API for people, made from the schemas that its code uses. */
export function createApiDocument(version: string): object {
  const paths: Record<string, Record<string, object>> = {}
  const add = (route: Omit<ApiRoute, 'run' | 'role'> & { readonly role?: ApiRoute['role'] }) => {
    paths[route.path] = { ...paths[route.path], [route.method.toLowerCase()]: describe(route) }
  }
  for (const route of apiRoutes) add(route)
  for (const [method, path, summary, body] of session)
    add({ method, path, summary, answer: Session, ...(body === undefined ? {} : { body }) })
  paths['/api/events'] = {
    get: {
      summary:
        'Server-sent events hello, change and bye: what changed, and to which version. Get it again by the other routes.',
      responses: { 200: { description: 'A stream.', content: { 'text/event-stream': {} } } },
    },
  }
  return {
    openapi: '3.1.0',
    info: { title: 'API of the Mooring operator for people', version },
    paths,
    components: {
      securitySchemes: {
        cookie: { type: 'apiKey', in: 'cookie', name: 'mooring-session' },
        bearer: { type: 'http', scheme: 'bearer' },
      },
    },
    security: [{}, { cookie: [] }, { bearer: [] }],
  }
}

function describe({
  method,
  summary,
  role,
  query,
  body,
  answer,
}: Omit<ApiRoute, 'run' | 'role'> & { readonly role?: ApiRoute['role'] }) {
  const header = { name: requestHeader, in: 'header', required: true, schema: { type: 'string' } }
  return {
    summary,
    ...(role === undefined ? {} : { description: `Needs the role ${role}.` }),
    parameters: [...(method === 'GET' ? [] : [header]), ...parametersOf(query)],
    ...(body === undefined
      ? {}
      : { requestBody: { required: true, content: { 'application/json': { schema: body } } } }),
    responses: {
      200: { description: 'Done.', content: { 'application/json': { schema: answer } } },
      default: {
        description: 'Why not, and what to do.',
        content: { 'application/json': { schema: Failure } },
      },
    },
  }
}

function parametersOf(query: TSchema | undefined) {
  const { properties = {}, required = [] } = (query ?? {}) as {
    readonly properties?: Readonly<Record<string, object>>
    readonly required?: readonly string[]
  } // The queries are objects.
  return Object.entries(properties).map(([name, schema]) => ({
    ...{ name, in: 'query', schema },
    ...(required.includes(name) ? { required: true } : {}),
  }))
}
