/** Each request to the double from its path to its answer: routes, rights, faults on demand, lists, watches. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { ApiFailure, badRequest, expired, statusOf } from './failure.ts'
import { isRecord, type JsonObject, type StoredObject } from './json.ts'
import { apiVersionOf, type createKinds, tableOf } from './kinds.ts'
import type { Objects } from './objects.ts'
import { authorize, type User } from './rbac.ts'
import { parseSelectors } from './selectors.ts'
import type { Store } from './store.ts'
import type { Named, Target } from './target.ts'
import { startWatchStream, type WatchStream } from './watch-stream.ts'

export interface ApiRequest {
  readonly method: string
  readonly path: string
  /** As in RBAC: `list`, `watch`, `patch` … */
  readonly verb: string
  readonly plural: string
  readonly subresource: string | undefined
  readonly name: string | undefined
  readonly namespace: string | undefined
  readonly user: string
}

/** What becomes of a request instead of its answer. */
export type Fault =
  /** Answered by a Status, and not carried out. */
  | { readonly code: number; readonly reason?: string; readonly retryAfterSeconds?: number }
  /** `cut`: the connection ends before it is carried out; `lost answer`: after; `silence`: it is never answered. */
  | 'cut'
  | 'lost answer'
  | 'silence'

export interface Requests {
  /** Every request so far that was understood. */
  readonly seen: ApiRequest[]
  /** Those that are open. */
  readonly watches: ReadonlySet<WatchStream>
  answer(message: IncomingMessage, response: ServerResponse): void
  /** The next `times` requests that match meet the fault. @returns takes back what is left */
  fail(matches: (request: ApiRequest) => boolean, fault: Fault, times: number): () => void
  /** The rest of lists that were read in part is gone. */
  forgetPages(): void
}

const applyType = 'application/apply-patch+yaml'
const verbs: Readonly<Record<string, string>> = {
  POST: 'create',
  PUT: 'update',
  PATCH: 'patch',
  DELETE: 'delete',
}

interface Route extends Target {
  readonly name: string | undefined
  readonly subresource: 'status' | undefined
}

export function createRequests(options: {
  readonly store: Store
  readonly kinds: ReturnType<typeof createKinds>
  readonly objects: Objects
  /** By their tokens. */
  readonly users: ReadonlyMap<string, User>
  readonly bookmarkMs: number
}): Requests {
  const { store, kinds, objects, users } = options
  const requests: ApiRequest[] = []
  const faults: { matches: (request: ApiRequest) => boolean; fault: Fault; left: number }[] = []
  const watches = new Set<WatchStream>()
  const pages = new Map<string, { items: readonly StoredObject[]; revision: number }>()
  let nextPage = 0

  function parseRoute(path: string): Route {
    const parts = path.split('/').slice(1).map(decodeURIComponent)
    const isCore = parts[0] === 'api'
    const [group = '', version = ''] = isCore ? ['', parts[1]] : [parts[1], parts[2]]
    const rest = parts.slice(isCore ? 2 : 3)
    // `namespaces/x` is the namespace itself; `namespaces/x/y` is inside of it.
    const isInside = rest[0] === 'namespaces' && rest.length > 2 && rest[2] !== 'status'
    const namespace = isInside ? rest[1] : undefined
    const [plural = '', name, subresource] = isInside ? rest.slice(2) : rest
    const kind = parts[0] === 'api' || parts[0] === 'apis' ? kinds.find(group, version, plural) : undefined
    const isServed =
      kind !== undefined &&
      (subresource === undefined || (subresource === 'status' && kind.hasStatus)) &&
      (namespace === undefined || kind.namespaced) &&
      (name === undefined || kind.namespaced === (namespace !== undefined))
    if (!kind || !isServed) throw new NotServed()
    return { kind, namespace, name, subresource: subresource === undefined ? undefined : 'status' }
  }

  function authenticate(message: IncomingMessage): User {
    const token = /^Bearer (.+)$/.exec(message.headers.authorization ?? '')?.[1]
    const user = token === undefined ? undefined : users.get(token)
    if (!user) throw new ApiFailure(401, 'Unauthorized', 'Unauthorized')
    return user
  }

  async function handle(message: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(message.url ?? '/', 'http://fake')
    const method = message.method ?? ''
    const text = await readBody(message)
    const user = authenticate(message)
    const { kind, namespace, name, subresource } = parseRoute(url.pathname)
    const isWatch = method === 'GET' && /^(1|true)$/.test(url.searchParams.get('watch') ?? '')
    const verb = verbs[method] ?? (isWatch ? 'watch' : name === undefined ? 'list' : 'get')
    const request: ApiRequest = {
      method,
      path: url.pathname,
      verb,
      plural: kind.plural,
      subresource,
      name,
      namespace,
      user: user.name,
    }
    requests.push(request)
    const attempt = { group: kind.group, plural: kind.plural, subresource, namespace }
    // A list or watch of one name is a matter of rights on that name.
    const only = /^metadata\.name=([^,]+)$/.exec(url.searchParams.get('fieldSelector') ?? '')?.[1]
    authorize(user, { ...attempt, verb, name: name ?? only })
    const isApply = message.headers['content-type'] === applyType
    if (
      isApply &&
      name !== undefined &&
      subresource === undefined &&
      !objects.has({ kind, namespace, name })
    ) {
      authorize(user, { ...attempt, verb: 'create', name })
    }

    const planned = faults.find(({ matches, left }) => left > 0 && matches(request))
    if (planned) planned.left -= 1
    const fault = planned?.fault
    if (fault === 'cut') return void message.socket.destroy()
    if (fault === 'silence') return
    if (typeof fault === 'object') throw asFailure(fault)

    if (isWatch) return watch({ kind, namespace }, url.searchParams, response)
    const answer = carryOut(
      { kind, namespace, name, subresource },
      { verb, query: url.searchParams, text, message },
    )
    if (fault === 'lost answer') return void message.socket.destroy()
    send(response, verb === 'create' ? 201 : 200, answer)
  }

  function carryOut(
    { kind, namespace, name, subresource }: Route,
    {
      verb,
      query,
      text,
      message,
    }: { verb: string; query: URLSearchParams; text: string; message: IncomingMessage },
  ): JsonObject {
    const manager =
      query.get('fieldManager') ?? (message.headers['user-agent'] ?? 'unknown').split('/')[0] ?? ''
    if (verb === 'list') return list({ kind, namespace }, query)
    if (verb === 'create') {
      if (kind.namespaced && namespace === undefined) {
        throw badRequest('an empty namespace may not be set during creation')
      }
      return objects.create({ kind, namespace }, parseBody(text), manager)
    }
    if (name === undefined)
      throw new ApiFailure(
        405,
        'MethodNotAllowed',
        'the server does not allow this method on the requested resource',
      )
    const named: Named = { kind, namespace, name, subresource }
    switch (verb) {
      case 'get':
        return objects.get(named)
      case 'update':
        return objects.update(named, parseBody(text), manager)
      case 'delete':
        return (
          objects.delete(named, text ? parseBody(text) : {}) ?? {
            kind: 'Status',
            apiVersion: 'v1',
            metadata: {},
            status: 'Success',
            details: { name, group: kind.group, kind: kind.plural },
          }
        )
      default:
        break
    }
    const type = message.headers['content-type']
    if (type === 'application/merge-patch+json') return objects.patch(named, parseBody(text), manager)
    if (type === applyType) {
      return objects.apply(
        named,
        parseBody(text),
        query.get('fieldManager') ?? '',
        query.get('force') === 'true',
      )
    }
    throw new ApiFailure(
      415,
      'UnsupportedMediaType',
      `the body of the request was in an unknown format - accepted media types include: application/merge-patch+json, application/apply-patch+yaml`,
    )
  }

  function list({ kind, namespace }: Target, query: URLSearchParams): JsonObject {
    const matches = parseSelectors(query)
    const limit = Number(query.get('limit') ?? 0)
    const token = query.get('continue')
    let items: readonly StoredObject[]
    let revision = store.revision()
    if (token) {
      const held = pages.get(token)
      if (!held) {
        throw expired(
          'The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter.',
        )
      }
      ;({ items, revision } = held)
    } else {
      items = store
        .list(tableOf(kind))
        .filter(
          (object) => (namespace === undefined || object.metadata.namespace === namespace) && matches(object),
        )
    }
    const page = limit > 0 ? items.slice(0, limit) : items
    const rest = items.slice(page.length)
    let next: string | undefined
    if (rest.length > 0) {
      nextPage += 1
      next = `page-${nextPage}`
      pages.set(next, { items: rest, revision })
    }
    return {
      kind: `${kind.kind}List`,
      apiVersion: apiVersionOf(kind),
      metadata: {
        resourceVersion: String(revision),
        ...(next !== undefined && { continue: next, remainingItemCount: rest.length }),
      },
      // Items of built-in kinds do not carry their kind.
      items: kind.schema ? page : page.map(({ apiVersion: _, kind: __, ...item }) => item),
    }
  }

  function watch({ kind, namespace }: Target, query: URLSearchParams, response: ServerResponse) {
    const matches = parseSelectors(query)
    const timeout = Number(query.get('timeoutSeconds') ?? 0)
    const stream = startWatchStream(response, {
      store,
      kind,
      namespace,
      matches,
      resourceVersion: query.get('resourceVersion') ?? '',
      timeoutSeconds: timeout > 0 ? timeout : undefined,
      bookmarkMs: query.get('allowWatchBookmarks') === 'true' ? options.bookmarkMs : undefined,
      onEnd: () => watches.delete(stream),
    })
    watches.add(stream)
  }

  return {
    seen: requests,
    watches,
    answer(message, response) {
      handle(message, response).catch((error: unknown) => {
        if (response.headersSent || response.destroyed) return void response.destroy()
        if (error instanceof NotServed) {
          response.writeHead(404, { 'content-type': 'text/plain; charset=utf-8' })
          return void response.end('404 page not found\n')
        }
        const failure =
          error instanceof ApiFailure ? error : new ApiFailure(500, 'InternalError', String(error))
        const seconds = failure.details.retryAfterSeconds
        send(
          response,
          failure.code,
          statusOf(failure),
          seconds === undefined ? {} : { 'retry-after': String(seconds) },
        )
      })
    },
    fail(matches, fault, times) {
      const planned = { matches, fault, left: times }
      faults.push(planned)
      return () => {
        planned.left = 0
      }
    },
    forgetPages: () => pages.clear(),
  }
}

class NotServed extends Error {}

function asFailure({ code, reason, retryAfterSeconds }: Exclude<Fault, string>): ApiFailure {
  return new ApiFailure(
    code,
    reason ?? (code === 429 ? 'TooManyRequests' : 'InternalError'),
    `failing on demand (${code})`,
    {
      ...(retryAfterSeconds !== undefined && { retryAfterSeconds }),
    },
  )
}

function send(
  response: ServerResponse,
  code: number,
  body: JsonObject,
  headers: Record<string, string> = {},
) {
  response.writeHead(code, { 'content-type': 'application/json', ...headers })
  response.end(JSON.stringify(body))
}

async function readBody(message: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of message) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}

function parseBody(text: string): JsonObject {
  try {
    const value: unknown = JSON.parse(text)
    if (isRecord(value)) return value
  } catch {
    // Answered as what it is: unreadable.
  }
  throw badRequest('the object provided is unrecognized (must be of type JSON)')
}
