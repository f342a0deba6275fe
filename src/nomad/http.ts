/**
 * One request to Nomad's HTTP API and its whole answer, within a deadline, never twice. What goes wrong
 * on the way is an OperationError of the error table.
 */
import type { Dispatcher } from 'undici'
import type { Clock } from '../lib/clock.ts'
import { OperationError } from '../lib/errors.ts'
import { describeFailure, isRefusedHandshake } from './describe-failure.ts'
import { type Call, classifyAnswer, classifyLostAnswer } from './error-table.ts'
import { createLanes } from './lanes.ts'
import { connectTimeoutMs, createTransport, type TransportOptions } from './transport.ts'

/** Waits at Nomad for an index beyond `index`, at most `waitMs`; index 0 answers at once. */
export interface BlockingQuery {
  readonly index: bigint
  readonly waitMs: number
}

interface Target {
  readonly call: Call
  /** Beneath `/v1`, its parts percent-encoded. */
  readonly path: string
  readonly query?: Readonly<Record<string, string | readonly string[]>>
  readonly signal?: AbortSignal | undefined
}

export interface HttpRequest extends Target {
  /** One of few names, for metrics and traces. */
  readonly operation: Operation
  readonly method: 'GET' | 'PUT' | 'DELETE'
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  /** For the whole of it: connecting, sending, and the answer to its end; not for what it blocks. */
  readonly timeoutMs: number
  /** Of a read: one that Nomad may hold back. Where too many are held already, it answers at once. */
  readonly blocking?: BlockingQuery | undefined
  /** Of a read that a plugin answers: the plugin, which may hang. */
  readonly pluginID?: string
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
  | 'list_allocations'
  | 'list_nodes'
  | 'detach_volume'
  | 'list_servers'
  | 'read_variable'
  | 'list_variables'
  | 'write_variable'
  | 'delete_variable'
  | 'acquire_lock'
  | 'renew_lock'
  | 'release_lock'
  | 'claim_volume'

export interface HttpAnswer {
  readonly status: number
  readonly text: string
  readonly header: (name: string) => string | undefined
}

export interface StreamRequest extends Target {
  /** Without a byte for so long, the stream is taken for lost. */
  readonly silenceMs: number
}

export interface HttpOptions extends TransportOptions {
  readonly region?: string
  readonly clock: Clock
}

export interface Http {
  send(request: HttpRequest): Promise<HttpAnswer>
  /** Reads an answer that goes on line by line; resolves when it ends. */
  stream(request: StreamRequest, onLine: (line: string) => void): Promise<void>
  /** Cuts what is under way. */
  close(): Promise<void>
}

/** @throws UsageError where the address or a file is not what it has to be */
export function createHttp({ region, clock, ...options }: HttpOptions): Http {
  const transport = createTransport(options)
  const lanes = createLanes(clock)

  async function send(request: HttpRequest): Promise<HttpAnswer> {
    const { method, blocking, pluginID, signal } = request
    const run = () => exchange(request)
    try {
      if (method !== 'GET') return await lanes.run('write', run, signal)
      if (blocking !== undefined && blocking.index > 0n && lanes.hasRoom('wait')) {
        return await lanes.run('wait', () => exchange(blockingRequest(request, blocking)), signal)
      }
      if (pluginID !== undefined) return await lanes.runPluginRead(pluginID, run, signal)
      return await lanes.run('read', run, signal)
    } catch (error) {
      // Anything else is the signal's, which aborted while the request waited for its turn.
      throw lost(error, false, 'interrupted', request.call)
    }
  }

  async function exchange(request: HttpRequest): Promise<HttpAnswer> {
    const { method, headers, body, timeoutMs } = request
    const watch = watchRequest(request)
    watch.limit(timeoutMs, `no answer within ${timeoutMs / 1000} s`)
    let sent = false
    const onSend = () => {
      // undici sends a request again in rare cases; a write must not be.
      if (sent && method !== 'GET') watch.cutShort('the connection was lost')
      sent = true
    }
    try {
      const { reads, writes } = transport.pools()
      const dispatcher = (method === 'GET' ? reads : writes).compose(notifyOfSending(onSend))
      const response = await dispatcher.request({
        ...partsOf(request),
        method,
        headers: {
          ...tokenHeader(),
          ...(body !== undefined && { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(body !== undefined && { body }),
        signal: watch.signal,
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
      throw lost(error, sent && !isRefusedHandshake(error), watch.why(), request.call)
    } finally {
      watch.end()
    }
  }

  async function stream(request: StreamRequest, onLine: (line: string) => void): Promise<void> {
    const { call, silenceMs } = request
    const watch = watchRequest(request)
    const silence = `not a byte within ${silenceMs / 1000} s`
    watch.limit(silenceMs, silence)
    let answer: Dispatcher.ResponseData
    try {
      answer = await transport
        .pools()
        .reads.request({ ...partsOf(request), method: 'GET', headers: tokenHeader(), signal: watch.signal })
      if (answer.statusCode === 200) {
        let rest = ''
        for await (const chunk of answer.body.setEncoding('utf8')) {
          watch.limit(silenceMs, silence)
          const lines = `${rest}${chunk}`.split('\n')
          rest = lines.pop() ?? ''
          for (const line of lines) onLine(line)
        }
        return
      }
      throw classifyAnswer(answer.statusCode, await answer.body.text(), call)
    } catch (error) {
      throw lost(error, false, watch.why(), call)
    } finally {
      watch.end()
    }
  }

  /** Why a request is cut, if it is, and the signal that cuts it. */
  function watchRequest({ signal }: Target) {
    const abort = new AbortController()
    let cut: string | undefined
    let cancelTimeout = () => {}
    const cutShort = (why: string) => {
      cut ??= why
      abort.abort()
    }
    const interrupt = () => cutShort('interrupted')
    if (signal?.aborted) interrupt()
    signal?.addEventListener('abort', interrupt)
    return {
      signal: abort.signal,
      why: () => cut,
      cutShort,
      limit(timeoutMs: number, why: string) {
        cancelTimeout()
        cancelTimeout = clock.after(timeoutMs, () => cutShort(why))
      },
      end() {
        cancelTimeout()
        signal?.removeEventListener('abort', interrupt)
      },
    }
  }

  const partsOf = ({ path, query }: Target) => ({
    origin: transport.origin,
    path: `${transport.pathPrefix}/v1${path}`,
    query: { ...(region !== undefined && { region }), ...query },
  })

  function tokenHeader(): Record<string, string> {
    const token = transport.token()
    return token === undefined ? {} : { 'x-nomad-token': token }
  }

  const lost = (error: unknown, sent: boolean, cut: string | undefined, call: Call) =>
    error instanceof OperationError
      ? error
      : classifyLostAnswer(
          error,
          sent,
          cut ?? describeFailure(error, transport.shown, connectTimeoutMs),
          call,
        )

  return {
    send,
    stream: (request, onLine) => lanes.run('stream', () => stream(request, onLine)),
    close: transport.close,
  }
}

/** Nomad adds up to a sixteenth to the wait, and may hold a query for 5 s while it elects a leader. */
function blockingRequest(request: HttpRequest, { index, waitMs }: BlockingQuery): HttpRequest {
  return {
    ...request,
    query: { ...request.query, index: String(index), wait: `${waitMs}ms` },
    timeoutMs: request.timeoutMs + waitMs * 1.07 + 5000,
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
