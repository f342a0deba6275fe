import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { ApiFailure, badRequest, expired, statusOf } from './failure.ts'
import { asRecord, isRecord, type JsonObject, type StoredObject } from './json.ts'
import { apiVersionOf, crdKind, createKinds, namespaceKind, tableOf } from './kinds.ts'
import { createLifecycle } from './lifecycle.ts'
import { createObjects, type Named, type Target } from './objects.ts'
import { authorize, everything, type User } from './rbac.ts'
import { parseSelectors } from './selectors.ts'
import { createStore, type Store } from './store.ts'
import { startWatchStream, type WatchStream } from './watch-stream.ts'

export interface FakeKubernetesOptions {
  /** Default: one a minute, as a real one's. */
  readonly bookmarkMs?: number
  /** Default: any free one. */
  readonly port?: number
}

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

export interface FakeKubernetes {
  readonly address: string
  readonly store: Store
  /** Every request so far that was understood. */
  readonly requests: ApiRequest[]
  readonly users: Map<string, User>
  /** The token of a user who may do everything. */
  readonly adminToken: string
  /** A kubeconfig's text. @param token default: the admin's */
  kubeconfig(token?: string, namespace?: string): string
  /** Writes as an administrator would, at once. */
  create(object: JsonObject): StoredObject
  createNamespace(name: string): void
  addUser(token: string, user: User): void
  /** The next `times` (default 1) requests that match meet the fault. @returns takes back what is left */
  fail(matches: (request: ApiRequest) => boolean, fault: Fault, times?: number): () => void
  /** Requests of a verb so far. */
  count(verb: string, plural?: string): number
  /** Watches open now. */
  watches(): number
  /** Open watches hear nothing any more; new ones do. */
  freezeWatches(): void
  expireWatches(): void
  garbleWatches(): void
  endWatches(): void
  /** Every version before now is too old, for watches and for pages. */
  compact(): void
  cutConnections(): void
  /** While false, nothing is accepted at the address. */
  setListening(listening: boolean): Promise<void>
  connections(): number
  close(): Promise<void>
}

const adminToken = 'admin-token'
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

/** A Kubernetes API server on loopback: the calls that Mooring makes, and faults on demand. */
export async function startFakeKubernetes(options: FakeKubernetesOptions = {}): Promise<FakeKubernetes> {
  const store = createStore()
  const kinds = createKinds()
  const follow = createLifecycle(store, kinds, () => objects)
  const objects = createObjects(store, () => new Date(), follow)
  const users = new Map<string, User>([[adminToken, { name: 'admin', rules: everything }]])
  const requests: ApiRequest[] = []
  const faults: { matches: (request: ApiRequest) => boolean; fault: Fault; left: number }[] = []
  const watches = new Set<WatchStream>()
  const sockets = new Set<Socket>()
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
      bookmarkMs: query.get('allowWatchBookmarks') === 'true' ? (options.bookmarkMs ?? 60_000) : undefined,
      onEnd: () => watches.delete(stream),
    })
    watches.add(stream)
  }

  const server = createServer((message, response) => {
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
  })
  server.keepAliveTimeout = 90_000
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  const listen = (port: number) =>
    new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(port, '127.0.0.1', () => {
        server.off('error', reject)
        resolve()
      })
    })
  await listen(options.port ?? 0)
  const { port } = server.address() as AddressInfo
  const address = `http://127.0.0.1:${port}`
  const cutConnections = () => {
    for (const socket of sockets) socket.destroy()
  }
  const stopListening = () =>
    new Promise<void>((resolve) => {
      if (!server.listening) return resolve()
      server.close(() => resolve())
      cutConnections()
    })

  const fake: FakeKubernetes = {
    address,
    store,
    requests,
    users,
    adminToken,
    kubeconfig: (token = adminToken, namespace = 'default') => kubeconfig(address, token, namespace),
    create(object) {
      const [group = '', version = ''] = String(object.apiVersion).includes('/')
        ? String(object.apiVersion).split('/')
        : ['', String(object.apiVersion)]
      const kind = [namespaceKind, crdKind, ...kinds.namespaced()].find(
        (one) => one.group === group && one.kind === object.kind,
      )
      const served = kind && kinds.find(group, version, kind.plural)
      if (!served)
        throw new Error(`the double does not serve ${String(object.kind)} of ${String(object.apiVersion)}`)
      const given = asRecord(object.metadata).namespace
      const namespace = served.namespaced ? String(given ?? 'default') : undefined
      return objects.create({ kind: served, namespace }, object, 'admin')
    },
    createNamespace(name) {
      fake.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } })
    },
    addUser: (token, user) => users.set(token, user),
    fail(matches, fault, times = 1) {
      const planned = { matches, fault, left: times }
      faults.push(planned)
      return () => {
        planned.left = 0
      }
    },
    count: (verb, plural) =>
      requests.filter(
        (request) => request.verb === verb && (plural === undefined || request.plural === plural),
      ).length,
    watches: () => watches.size,
    freezeWatches() {
      for (const stream of watches) stream.freeze()
    },
    expireWatches() {
      for (const stream of [...watches]) stream.expire()
    },
    garbleWatches() {
      for (const stream of watches) stream.garble()
    },
    endWatches() {
      for (const stream of [...watches]) stream.end()
    },
    compact() {
      store.compact()
      pages.clear()
    },
    cutConnections,
    async setListening(listening) {
      if (listening && !server.listening) await listen(port)
      if (!listening) await stopListening()
    },
    connections: () => sockets.size,
    close: stopListening,
  }
  for (const name of ['default', 'kube-system']) fake.createNamespace(name)
  return fake
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

function kubeconfig(address: string, token: string, namespace: string): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'fake',
    clusters: [{ name: 'fake', cluster: { server: address, 'insecure-skip-tls-verify': true } }],
    users: [{ name: 'fake', user: { token } }],
    contexts: [{ name: 'fake', context: { cluster: 'fake', user: 'fake', namespace } }],
  })
}
