/** Each request to the double from its path to its answer: rights, faults on demand, lists, watches. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createCarryOut, isApply, NotServed, type PlainRequest, type Route } from './carry-out.ts'
import { ApiFailure, statusOf } from './failure.ts'
import type { JsonObject } from './json.ts'
import type { Kinds } from './kinds.ts'
import type { Objects } from './objects.ts'
import { authorize, type User } from './rbac.ts'
import { parseSelectors } from './selectors.ts'
import type { Store } from './store.ts'
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

export function createRequests(options: {
  readonly store: Store
  readonly kinds: Kinds
  readonly objects: Objects
  /** By their tokens. */
  readonly users: ReadonlyMap<string, User>
  readonly bookmarkMs: number
}): Requests {
  const { store, objects, users } = options
  const requests: ApiRequest[] = []
  const faults: { matches: (request: ApiRequest) => boolean; fault: Fault; left: number }[] = []
  const watches = new Set<WatchStream>()
  const carryOut = createCarryOut(options)

  function authenticate(message: IncomingMessage): User {
    const token = /^Bearer (.+)$/.exec(message.headers.authorization ?? '')?.[1]
    const user = token === undefined ? undefined : users.get(token)
    if (!user) throw new ApiFailure(401, 'Unauthorized', 'Unauthorized')
    return user
  }

  async function handle(message: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(message.url ?? '/', 'http://fake')
    const plain: PlainRequest = {
      method: message.method ?? '',
      path: url.pathname,
      query: url.searchParams,
      contentType: message.headers['content-type'],
      userAgent: message.headers['user-agent'],
      text: await readBody(message),
    }
    const user = authenticate(message)
    const route = carryOut.route(plain)
    const { verb, kind, namespace, name, subresource } = route
    const request: ApiRequest = {
      method: plain.method,
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
    const isCreate =
      isApply(plain) &&
      name !== undefined &&
      subresource === undefined &&
      !objects.has({ kind, namespace, name })
    if (isCreate) authorize(user, { ...attempt, verb: 'create', name })

    const planned = faults.find(({ matches, left }) => left > 0 && matches(request))
    if (planned) planned.left -= 1
    const fault = planned?.fault
    if (fault === 'cut') return void message.socket.destroy()
    if (fault === 'silence') return
    if (typeof fault === 'object') throw asFailure(fault)

    if (verb === 'watch') return watch(route, url.searchParams, response)
    const answer = carryOut.answer(route, plain)
    if (fault === 'lost answer') return void message.socket.destroy()
    send(response, verb === 'create' ? 201 : 200, answer)
  }

  function watch({ kind, namespace }: Route, query: URLSearchParams, response: ServerResponse) {
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
    forgetPages: carryOut.forgetPages,
  }
}

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
