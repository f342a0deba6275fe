/**
 * One request to Nomad's HTTP API and its whole answer, within a deadline, never twice. What goes wrong
 * on the way is an OperationError of the error table.
 */
import { type Dispatcher, Pool } from 'undici'
import type { Clock } from '../lib/clock.ts'
import { errorCode, errorMessage, UsageError } from '../lib/errors.ts'
import { type Call, classifyLostAnswer } from './error-table.ts'

export interface HttpRequest {
  readonly call: Call
  /** One of few names, for metrics and traces. */
  readonly operation: Operation
  readonly method: 'GET' | 'PUT' | 'DELETE'
  /** Beneath `/v1`, its parts percent-encoded. */
  readonly path: string
  readonly query?: Readonly<Record<string, string>>
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  /** For the whole of it: connecting, sending, and the answer to its end. */
  readonly timeoutMs: number
  readonly signal?: AbortSignal | undefined
}

/** What a request is for. A list that blocks until it changes is a watch. */
export type Operation =
  | 'list_volumes'
  | 'watch_volumes'
  | 'read_volume'
  | 'create_volume'
  | 'register_volume'
  | 'deregister_volume'
  | 'delete_volume'
  | 'list_plugins'
  | 'watch_plugins'
  | 'read_plugin'
  | 'list_external_volumes'
  | 'list_snapshots'
  | 'create_snapshot'
  | 'delete_snapshot'
  | 'list_namespaces'
  | 'read_namespace'

export interface HttpAnswer {
  readonly status: number
  readonly text: string
  readonly header: (name: string) => string | undefined
}

export interface HttpOptions {
  /** Such as `https://127.0.0.1:4646`; a path in it comes before `/v1`. */
  readonly address: string
  /** ACL secret ID or workload identity. */
  readonly token?: string
  readonly region?: string
  readonly clock: Clock
}

export interface Http {
  send(request: HttpRequest): Promise<HttpAnswer>
  /** Cuts what is under way. */
  close(): Promise<void>
}

const connectTimeoutMs = 10_000

/** @throws UsageError where the address is not one of an HTTP server */
export function createHttp({ address, token, region, clock }: HttpOptions): Http {
  if (!URL.canParse(address) || !/^https?:/.test(address)) {
    throw new UsageError(
      `"${address}" is not the address of a Nomad API; one looks like http://127.0.0.1:4646`,
    )
  }
  const base = new URL(address)
  const pathPrefix = base.pathname.replace(/\/+$/, '')
  // The deadline covers headers and body; undici's own limits would cut blocking queries. HTTP/2 would
  // change what a connection of its own means.
  const options: Pool.Options = {
    headersTimeout: 0,
    bodyTimeout: 0,
    connectTimeout: connectTimeoutMs,
    allowH2: false,
  }
  const reads = new Pool(base.origin, options)
  // Each write on a connection of its own: on one that is kept alive it can meet the server's idle close,
  // and then nobody knows whether it was carried out.
  const writes = new Pool(base.origin, { ...options, pipelining: 0 })

  async function send(request: HttpRequest): Promise<HttpAnswer> {
    const { call, method, path, query, headers, body, timeoutMs, signal } = request
    const abort = new AbortController()
    let cut: string | undefined
    const cutShort = (why: string) => {
      cut ??= why
      abort.abort()
    }
    const interrupt = () => cutShort('interrupted')
    if (signal?.aborted) interrupt()
    signal?.addEventListener('abort', interrupt)
    const cancelTimeout = clock.after(timeoutMs, () => cutShort(`no answer within ${timeoutMs / 1000} s`))

    let sent = false
    const onSend = () => {
      // undici sends a request again in rare cases; a write must not be.
      if (sent && method !== 'GET') cutShort('the connection was lost')
      sent = true
    }
    try {
      const dispatcher = (method === 'GET' ? reads : writes).compose(notifyOfSending(onSend))
      const response = await dispatcher.request({
        origin: base.origin,
        method,
        path: `${pathPrefix}/v1${path}`,
        query: { ...(region !== undefined && { region }), ...query },
        headers: {
          ...(token !== undefined && { 'x-nomad-token': token }),
          ...(body !== undefined && { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(body !== undefined && { body }),
        signal: abort.signal,
      })
      const text = await response.body.text()
      return {
        status: response.statusCode,
        text,
        header: (name) => {
          const value = response.headers[name]
          return Array.isArray(value) ? value[0] : value
        },
      }
    } catch (error) {
      throw classifyLostAnswer(error, sent, cut ?? describe(error, base.origin), call)
    } finally {
      cancelTimeout()
      signal?.removeEventListener('abort', interrupt)
    }
  }

  return {
    send,
    async close() {
      await Promise.all([reads.destroy(), writes.destroy()])
    },
  }
}

/** Calls `onSend` just before the first byte of a request goes out on a connection. */
function notifyOfSending(onSend: () => void): Dispatcher.DispatcherComposeInterceptor {
  return (dispatch) => (options, handler) =>
    dispatch(options, {
      onRequestStart(controller, context) {
        handler.onRequestStart?.(controller, context)
        // A request that was aborted while it waited for a connection is dropped here.
        if (!controller.aborted) onSend()
      },
      onRequestUpgrade: (...event) => handler.onRequestUpgrade?.(...event),
      onResponseStart: (...event) => handler.onResponseStart?.(...event),
      onResponseData: (...event) => handler.onResponseData?.(...event),
      onResponseEnd: (...event) => handler.onResponseEnd?.(...event),
      onResponseError: (...event) => handler.onResponseError?.(...event),
    })
}

function describe(error: unknown, origin: string): string {
  switch (errorCode(error)) {
    case 'ECONNREFUSED':
      return `nothing listens at ${origin} (is NOMAD_ADDR right, and Nomad running?)`
    case 'ENOTFOUND':
      return `the host of ${origin} is unknown (is NOMAD_ADDR right?)`
    case 'UND_ERR_CONNECT_TIMEOUT':
      return `no connection to ${origin} within ${connectTimeoutMs / 1000} s`
    case 'UND_ERR_SOCKET':
    case 'ECONNRESET':
    case 'EPIPE':
      return `${origin} closed the connection before its answer was complete`
    default:
      return `${origin}: ${errorMessage(error)}`
  }
}
