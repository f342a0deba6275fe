/**
 * Requests to one API server under the credentials that are in force, never twice. What goes wrong on the way
 * is a KubernetesError.
 */
import { isDeepStrictEqual } from 'node:util'
import { type Dispatcher, Pool, ProxyAgent } from 'undici'
import type { Clock } from '../lib/clock.ts'
import { errorMessage } from '../lib/errors.ts'
import { packageVersion } from '../lib/version.ts'
import { KubernetesError } from './api.ts'
import type { Access, Credentials, TlsMaterial } from './credentials.ts'
import { type Call, classifyLostAnswer, describeCall, interrupted } from './failures.ts'

export interface HttpRequest {
  readonly call: Call
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** Its parts percent-encoded. */
  readonly path: string
  readonly query: URLSearchParams
  readonly body?: { readonly type: string; readonly text: string }
  readonly signal?: AbortSignal | undefined
}

export interface HttpAnswer {
  readonly status: number
  readonly retryAfter: string | undefined
  readonly text: string
}

export interface HttpStream {
  readonly status: number
  readonly retryAfter: string | undefined
  readonly body: Dispatcher.ResponseData['body']
}

export interface Http {
  /** A request and its whole answer, within 30 s. */
  send(request: HttpRequest): Promise<HttpAnswer>
  /** An answer whose body goes on for as long as both sides like; it begins within 30 s. */
  open(request: HttpRequest): Promise<HttpStream>
  /** Cuts what is under way. */
  close(): Promise<void>
}

const callTimeoutMs = 30_000
const connectTimeoutMs = 10_000
/** As client-go: bound service account tokens are replaced long before they expire. */
const credentialsLifetimeMs = 60_000
/** Calls at once; the others wait. The API server's own fairness begins to matter beyond it. */
const callsAtOnce = 16

interface Connections {
  readonly tls: TlsMaterial
  readonly calls: Dispatcher
  readonly watches: Dispatcher
}

export function createHttp(access: Access, clock: Clock): Http {
  const base = new URL(access.server)
  const pathPrefix = base.pathname.replace(/\/+$/, '')
  const userAgent = `mooring/${packageVersion()}`
  const replaced = new Set<Dispatcher>()
  let connections: Connections | undefined
  let held: { readonly credentials: Promise<Credentials>; readonly readAtMs: number } | undefined
  let wereRefused = false

  /** Connections made with the credentials that are in force, and the headers that show them. */
  async function openSession(): Promise<Connections & Credentials> {
    if (held === undefined || clock.now() - held.readAtMs > credentialsLifetimeMs) {
      held = { credentials: access.credentials(wereRefused), readAtMs: clock.now() }
      wereRefused = false
    }
    const reading = held
    try {
      const { headers, tls } = await reading.credentials
      if (connections === undefined || !isDeepStrictEqual(connections.tls, tls)) {
        if (connections) retire(connections)
        connections = connect(access, base.origin, tls)
      }
      return { ...connections, headers }
    } catch (error) {
      if (held === reading) held = undefined
      throw error
    }
  }

  /** What is under way on the old connections ends by itself; watches are opened again within minutes. */
  function retire({ calls, watches }: Connections) {
    for (const dispatcher of [calls, watches]) {
      replaced.add(dispatcher)
      void dispatcher.close().finally(() => replaced.delete(dispatcher))
    }
  }

  async function dispatch(request: HttpRequest, signal: AbortSignal, isWatch: boolean) {
    const { call, method, path, query, body } = request
    const used = await openSession().catch((error: unknown) => {
      throw new KubernetesError(
        `${describeCall(call)}: the credentials cannot be read: ${errorMessage(error)}`,
        { kind: 'transient', reason: 'CredentialsUnreadable' },
      )
    })
    const text = query.toString()
    const answer = await (isWatch ? used.watches : used.calls).request({
      origin: base.origin,
      method,
      path: `${pathPrefix}${path}${text && `?${text}`}`,
      headers: {
        accept: 'application/json',
        'user-agent': userAgent,
        ...(body && { 'content-type': body.type }),
        ...used.headers,
      },
      ...(body && { body: body.text }),
      signal,
    })
    // A token that was replaced early, or a plugin's that ended: the next call reads them again.
    if (answer.statusCode === 401) {
      held = undefined
      wereRefused = true
    }
    return answer
  }

  const retryAfterOf = ({ headers }: Dispatcher.ResponseData): string | undefined => {
    const value = headers['retry-after']
    return Array.isArray(value) ? value[0] : value
  }

  /** Whatever was thrown on the way, as what it means to the caller. */
  function explain(request: HttpRequest, error: unknown): KubernetesError {
    if (error instanceof KubernetesError) return error
    if (request.signal?.aborted) return interrupted(request.call)
    return classifyLostAnswer(request.call, base.origin, error)
  }

  return {
    async send(request) {
      const abort = new AbortController()
      const cut = () => abort.abort()
      let isLate = false
      if (request.signal?.aborted) cut()
      request.signal?.addEventListener('abort', cut)
      const cancelTimeout = clock.after(callTimeoutMs, () => {
        isLate = true
        cut()
      })
      try {
        const answer = await dispatch(request, abort.signal, false)
        const text = await answer.body.text()
        return { status: answer.statusCode, retryAfter: retryAfterOf(answer), text }
      } catch (error) {
        throw explain(request, isLate ? new Error(`no answer within ${callTimeoutMs / 1000} s`) : error)
      } finally {
        cancelTimeout()
        request.signal?.removeEventListener('abort', cut)
      }
    },
    async open(request) {
      try {
        const answer = await dispatch(request, request.signal ?? new AbortController().signal, true)
        return { status: answer.statusCode, retryAfter: retryAfterOf(answer), body: answer.body }
      } catch (error) {
        throw explain(request, error)
      }
    },
    async close() {
      const all = [...replaced, ...(connections ? [connections.calls, connections.watches] : [])]
      await Promise.all(all.map((dispatcher) => dispatcher.destroy()))
    },
  }
}

/** Watches have connections of their own: one that is given up is cut, and takes no call with it. */
function connect({ proxy }: Access, origin: string, tls: TlsMaterial): Connections {
  // HTTP/2 would put watches and calls on one connection.
  const common = { headersTimeout: callTimeoutMs, bodyTimeout: 0, allowH2: false }
  const connectOptions = { ...tls, timeout: connectTimeoutMs }
  const create = (connections: number | null): Dispatcher =>
    proxy === undefined
      ? new Pool(origin, { ...common, connections, connect: connectOptions })
      : new ProxyAgent({ ...common, uri: proxy, connections, requestTls: connectOptions })
  return { tls, calls: create(callsAtOnce), watches: create(null) }
}
