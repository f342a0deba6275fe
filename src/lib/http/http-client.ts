/**
 * The HTTP client beneath the clients of Nomad and of Kubernetes. It sends a request once, within a deadline, and
 * says of a request that failed whether the server may have seen it. It retries nothing.
 */
import type { Dispatcher } from 'undici'
import type { Clock } from '../clock.ts'
import { type ConnectionPoolsOptions, createConnectionPools, type TlsSettings } from './connection-pools.ts'
import { explainFailure, isRefusedHandshake, type ServerDescription } from './explain-failure.ts'
import { readLines } from './read-lines.ts'

export interface HttpClientOptions<Pool extends string> extends ConnectionPoolsOptions<Pool> {
  readonly server: ServerDescription
  readonly clock: Clock
}

export interface HttpRequest<Pool extends string> {
  readonly pool: Pool
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** Percent-encoded, with the query. */
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string | undefined
  readonly tls?: TlsSettings | undefined
  /** Of `send`: for the request and its whole answer. Of `open`: until the body begins. */
  readonly timeoutMs: number
  readonly signal?: AbortSignal | undefined
}

interface AnswerHead {
  readonly status: number
  /** The first value of a header. @param name in lower case */
  readonly header: (name: string) => string | undefined
}

export interface HttpAnswer extends AnswerHead {
  readonly text: string
}

/** An answer whose body is still to be read: by one of these, once. Both reject with an HttpFailure. */
export interface HttpStream extends AnswerHead {
  text(): Promise<string>
  /**
   * The lines of the body as they come. Whoever stops iterating closes the connection.
   * @param silenceMs without a byte for so long, the connection counts as lost; absent: it may be silent for ever
   */
  lines(silenceMs?: number): AsyncGenerator<string, void>
}

/** No whole answer came. The message says why, and what a person can do. */
export class HttpFailure extends Error {
  override readonly name = 'HttpFailure'
  /** The server may have seen the request. */
  readonly wasSent: boolean
  /** The signal of the request aborted. */
  readonly isInterrupted: boolean

  constructor(
    message: string,
    options: { readonly wasSent: boolean; readonly isInterrupted: boolean; readonly cause: unknown },
  ) {
    super(message, { cause: options.cause })
    this.wasSent = options.wasSent
    this.isInterrupted = options.isInterrupted
  }
}

export interface HttpClient<Pool extends string> {
  /** @throws HttpFailure */
  send(request: HttpRequest<Pool>): Promise<HttpAnswer>
  /** @throws HttpFailure */
  open(request: HttpRequest<Pool>): Promise<HttpStream>
  /** Cuts all requests and frees the connections. */
  close(): Promise<void>
}

export function createHttpClient<Pool extends string>(options: HttpClientOptions<Pool>): HttpClient<Pool> {
  const { server, clock } = options
  const pools = createConnectionPools(options)

  async function begin(request: HttpRequest<Pool>) {
    const { method, path, headers, body, timeoutMs } = request
    const cut = createCut(clock, request.signal)
    cut.after(timeoutMs, `no answer within ${timeoutMs / 1000} s`)
    let wasSent = false
    const onSend = () => {
      // undici sends a request again in rare cases. A write must not be sent twice.
      if (wasSent && method !== 'GET') cut.now('the connection was lost')
      wasSent = true
    }
    const failureOf = (error: unknown) =>
      new HttpFailure(cut.why() ?? explainFailure(error, server), {
        wasSent: wasSent && !isRefusedHandshake(error),
        isInterrupted: cut.why() === interrupted,
        cause: error,
      })
    try {
      const answer = await pools
        .get(request.pool, request.tls)
        .compose(notifyOfSending(onSend))
        .request({
          origin: options.origin,
          path,
          method,
          headers,
          ...(body !== undefined && { body }),
          signal: cut.signal,
        })
      return { status: answer.statusCode, header: headerOf(answer), body: answer.body, cut, failureOf }
    } catch (error) {
      cut.end()
      throw failureOf(error)
    }
  }

  return {
    async send(request) {
      const { status, header, body, cut, failureOf } = await begin(request)
      try {
        return { status, header, text: await body.text() }
      } catch (error) {
        throw failureOf(error)
      } finally {
        cut.end()
      }
    },

    async open(request) {
      const { status, header, body, cut, failureOf } = await begin(request)
      cut.never()
      return {
        status,
        header,
        async text() {
          try {
            return await body.text()
          } catch (error) {
            throw failureOf(error)
          } finally {
            cut.end()
          }
        },
        async *lines(silenceMs) {
          const heard = () => {
            if (silenceMs !== undefined) cut.after(silenceMs, `not a byte within ${silenceMs / 1000} s`)
          }
          heard()
          const lines = readLines(body)
          try {
            for (;;) {
              const line = await lines.next().catch((error: unknown) => {
                throw failureOf(error)
              })
              if (line.done) return
              heard()
              yield line.value
            }
          } finally {
            cut.end()
            // Nobody waits for the rest of the body.
            body.on('error', () => {}).destroy()
          }
        },
      }
    },

    close: pools.close,
  }
}

const interrupted = 'interrupted'

/** Ends a request before its end: at a time, at the caller's signal, or now. */
function createCut(clock: Clock, outer: AbortSignal | undefined) {
  const abort = new AbortController()
  let reason: string | undefined
  let cancelTimer = () => {}
  const now = (why: string) => {
    reason ??= why
    abort.abort()
  }
  const interrupt = () => now(interrupted)
  if (outer?.aborted) interrupt()
  outer?.addEventListener('abort', interrupt)
  return {
    signal: abort.signal,
    /** Why it was cut; undefined: it was not. */
    why: () => reason,
    now,
    /** In place of an earlier time. */
    after(delayMs: number, why: string) {
      cancelTimer()
      cancelTimer = clock.after(delayMs, () => now(why))
    },
    never: () => cancelTimer(),
    end() {
      cancelTimer()
      outer?.removeEventListener('abort', interrupt)
    },
  }
}

function headerOf({ headers }: Dispatcher.ResponseData): (name: string) => string | undefined {
  return (name) => {
    const value = headers[name]
    return Array.isArray(value) ? value[0] : value
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
