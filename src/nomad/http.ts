/**
 * Requests to Nomad's HTTP API: addresses, tokens, certificates, and how many are open at once. What goes wrong on
 * the way is an OperationError of the error table.
 */
import type { Clock } from '../lib/clock.ts'
import { OperationError, UsageError } from '../lib/errors.ts'
import { createFileValue } from '../lib/file-value.ts'
import {
  createHttpClient,
  type HttpAnswer,
  type HttpClient,
  type HttpClientOptions,
  HttpFailure,
} from '../lib/http/http-client.ts'
import { parseAddress } from './address.ts'
import { type ClientTlsOptions, readFile, readTlsSettings, tlsPathsOf } from './client-tls.ts'
import { classifyAnswer, classifyLostAnswer, type Purpose } from './error-table.ts'
import { createLanes, writesAtOnce } from './lanes.ts'

export type { HttpAnswer } from '../lib/http/http-client.ts'

/** Nomad answers when its index is beyond `index`, or after `waitMs`. Index 0 is answered at once. */
export interface BlockingQuery {
  readonly index: bigint
  readonly waitMs: number
}

interface Target {
  readonly purpose: Purpose
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
  /** For connecting, sending, and the whole answer. The wait of a blocking query comes on top. */
  readonly timeoutMs: number
  /** Only for reads. Where too many queries block already, this one is answered at once. */
  readonly blocking?: BlockingQuery | undefined
  /** Only for reads that a plugin answers: the plugin, which may hang. */
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
  | 'list_host_volumes'
  | 'watch_host_volumes'
  | 'read_host_volume'
  | 'create_host_volume'
  | 'register_host_volume'
  | 'delete_host_volume'
  | 'read_node'
  | 'read_allocation'

export interface StreamRequest extends Target {
  /** Without a byte for so long, the stream counts as lost. */
  readonly silenceMs: number
}

export interface TransportOptions {
  /** `http://…`, `https://…` (a path in it comes before `/v1`) or `unix:///path`. */
  readonly address: string
  /** Secret ID of an ACL token, or a workload identity. */
  readonly token?: string
  /** A file that holds the token, in place of `token`. It is read again when it changes: Nomad renews workload identities. */
  readonly tokenFile?: string
  readonly tls?: ClientTlsOptions
  /** Called when a file has changed to something unusable. What it held before stays in use. */
  readonly onReloadError?: (error: unknown) => void
  /** Default: connections over sockets. */
  readonly connect?: (options: HttpClientOptions<Pool>) => HttpClient<Pool>
}

type Pool = 'reads' | 'writes' | 'streams'

export interface HttpOptions extends TransportOptions {
  readonly region?: string
  readonly clock: Clock
}

export interface Http {
  send(request: HttpRequest): Promise<HttpAnswer>
  /** Reads an answer that goes on line by line; resolves when it ends. */
  stream(request: StreamRequest, onLine: (line: string) => void): Promise<void>
  /** Cuts all requests. */
  close(): Promise<void>
}

/**
 * On a connection that stood idle, a write can meet the server's close, and then nobody knows whether it was carried
 * out. No server closes a connection that was in use a moment ago, so idle ones are closed after this.
 */
const writeKeepAliveMs = 1000

const settings = {
  address: 'NOMAD_ADDR (--nomad-addr)',
  authority: 'NOMAD_CACERT (--nomad-ca-cert), or a folder of such files in NOMAD_CAPATH (--nomad-ca-path)',
  serverName: 'NOMAD_TLS_SERVER_NAME (--nomad-tls-server-name), such as server.global.nomad',
  clientCertificate: 'NOMAD_CLIENT_CERT and NOMAD_CLIENT_KEY (--nomad-client-cert, --nomad-client-key)',
}

/** @throws UsageError where the address or a file cannot be used */
export function createHttp(options: HttpOptions): Http {
  const { region, clock, tls = {}, onReloadError: onError = () => {}, connect = createHttpClient } = options
  const { shown, origin, pathPrefix, socketPath } = parseAddress(options.address)
  const token = createToken(options, onError)
  const tlsSettings = origin.startsWith('https:')
    ? createFileValue({ paths: tlsPathsOf(tls), read: () => readTlsSettings(tls), onError })
    : () => undefined
  const lanes = createLanes(clock)
  const client = connect({
    server: { name: 'Nomad', shown, settings },
    origin,
    ...(socketPath !== undefined && { socketPath }),
    pools: {
      reads: {},
      writes: { connections: writesAtOnce, keepAliveMs: writeKeepAliveMs },
      streams: { largestAnswerBytes: -1 },
    },
    clock,
  })

  async function send(request: HttpRequest): Promise<HttpAnswer> {
    const { method, blocking, pluginID, signal, purpose } = request
    const run = () => exchange(request)
    try {
      if (method !== 'GET') return await lanes.run('write', run, signal)
      if (blocking !== undefined && blocking.index > 0n && lanes.hasRoom('wait')) {
        return await lanes.run('wait', () => exchange(blockingRequest(request, blocking)), signal)
      }
      if (pluginID !== undefined) return await lanes.runPluginRead(pluginID, run, signal)
      return await lanes.run('read', run, signal)
    } catch (error) {
      throw toOperationError(error, purpose)
    }
  }

  function exchange(request: HttpRequest): Promise<HttpAnswer> {
    const { method, headers, body, timeoutMs } = request
    return client.send({
      ...partsOf(request),
      pool: method === 'GET' ? 'reads' : 'writes',
      method,
      headers: {
        ...tokenHeader(),
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      body,
      timeoutMs,
    })
  }

  async function stream(request: StreamRequest, onLine: (line: string) => void): Promise<void> {
    const { purpose, silenceMs, signal } = request
    const read = async () => {
      const answer = await client.open({
        ...partsOf(request),
        pool: 'streams',
        method: 'GET',
        headers: tokenHeader(),
        timeoutMs: silenceMs,
      })
      if (answer.status !== 200) throw classifyAnswer(answer.status, await answer.text(), purpose)
      for await (const line of answer.lines(silenceMs)) onLine(line)
    }
    try {
      await lanes.run('stream', read, signal)
    } catch (error) {
      throw toOperationError(error, purpose)
    }
  }

  function partsOf({ path, query = {}, signal }: Target) {
    const parameters = new URLSearchParams(region === undefined ? {} : { region })
    for (const [name, value] of Object.entries(query)) {
      for (const each of [value].flat()) parameters.append(name, each)
    }
    const text = parameters.toString()
    return { path: `${pathPrefix}/v1${path}${text && `?${text}`}`, tls: tlsSettings(), signal }
  }

  function tokenHeader(): Record<string, string> {
    const value = token()
    return value === undefined ? {} : { 'x-nomad-token': value }
  }

  return { send, stream, close: client.close }
}

function toOperationError(error: unknown, purpose: Purpose): OperationError {
  if (error instanceof OperationError) return error
  if (error instanceof HttpFailure)
    return classifyLostAnswer(error.cause, error.wasSent, error.message, purpose)
  // The signal's own reason: it aborted while the request waited for its turn.
  return classifyLostAnswer(error, false, 'interrupted', purpose)
}

/** Nomad adds up to a sixteenth to the wait, and may hold a query for 5 s while it elects a leader. */
function blockingRequest(request: HttpRequest, { index, waitMs }: BlockingQuery): HttpRequest {
  return {
    ...request,
    query: { ...request.query, index: String(index), wait: `${waitMs}ms` },
    timeoutMs: request.timeoutMs + waitMs * 1.07 + 5000,
  }
}

function createToken(
  { token, tokenFile }: TransportOptions,
  onError: (error: unknown) => void,
): () => string | undefined {
  if (tokenFile === undefined) return () => token
  return createFileValue({
    paths: [tokenFile],
    read() {
      const text = readFile(tokenFile, 'file of the Nomad token').trim()
      if (!/^[\x21-\x7e]+$/.test(text)) throw new UsageError(`${tokenFile} holds no Nomad token`)
      return text
    },
    onError,
  })
}
