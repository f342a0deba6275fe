import {
  Client,
  type ClientOptions,
  type ClientUnaryCall,
  connectivityState,
  credentials,
  Metadata,
  type MethodDefinition,
  status,
} from '@grpc/grpc-js'
import type { RpcName } from './deadlines.ts'
import { PluginError, type PluginErrorClass } from './plugin-error.ts'
import { loadRedactor } from './redactor.ts'

export interface TlsOptions {
  /** PEM texts. Without `ca` the system's authorities decide; `cert` and `key` are for mutual TLS. */
  readonly ca?: string
  readonly cert?: string
  readonly key?: string
  /** Looked for in the plugin's certificate instead of the endpoint's host. */
  readonly serverName?: string
}

export interface ConnectionOptions {
  readonly pluginID: string
  readonly endpoint: string
  readonly tls?: TlsOptions
  readonly connectTimeoutMs: number
  /** The connection came up, or was lost. */
  onChange(isConnected: boolean): void
}

/** One gRPC channel to a plugin: connects when it is needed, again by itself after a loss. */
export interface Connection {
  /** One attempt of one call. Whatever goes wrong is a PluginError without secrets. */
  call(
    name: RpcName,
    method: MethodDefinition<object, object>,
    request: object,
    options: { readonly timeoutMs: number; readonly signal?: AbortSignal },
  ): Promise<object>
  close(): void
}

/** A page of a long list; Go's gRPC stops at 4 MiB by default, so no honest plugin sends more than this. */
const longestAnswerBytes = 16 * 2 ** 20

export function createConnection(options: ConnectionOptions): Connection {
  const { pluginID, endpoint } = options
  const redactor = loadRedactor()
  const client = new Client(toTarget(endpoint), createCredentials(options), channelOptions(options))
  let isClosed = false
  const underWay = new Set<ClientUnaryCall>()
  const watch = (known: connectivityState) => {
    client.getChannel().watchConnectivityState(known, Number.POSITIVE_INFINITY, () => {
      if (isClosed) return
      const now = client.getChannel().getConnectivityState(false)
      if (now === connectivityState.READY) options.onChange(true)
      else if (known === connectivityState.READY) options.onChange(false)
      watch(now)
    })
  }
  watch(connectivityState.IDLE)

  return {
    async call(name, method, request, { timeoutMs, signal }) {
      const fail = (code: status, text: string, errorClass?: PluginErrorClass) => {
        const details = redactor.text(`${name}Request`, request, text)
        return new PluginError({ pluginID, method: name, code, details, ...(errorClass && { errorClass }) })
      }
      const notSent = (code: status, text: string) => fail(code, text, 'retry-later')
      if (isClosed) throw notSent(status.UNAVAILABLE, 'this client is closed')
      // Waiting for the connection apart from the call is how we know of a call that it was never sent.
      await waitUntilConnected(client, options.connectTimeoutMs, signal).catch(() => {
        if (signal?.aborted) throw notSent(status.CANCELLED, 'given up before it was sent')
        throw notSent(status.UNAVAILABLE, `nothing answers at ${endpoint}`)
      })
      return await new Promise<object>((resolve, reject) => {
        const cancel = () => call.cancel()
        const call = client.makeUnaryRequest(
          method.path,
          method.requestSerialize,
          // A message that cannot be read is told apart from a plugin that fails.
          (bytes: Buffer) => tryDecode(method, bytes),
          request,
          new Metadata(),
          // gRPC takes the deadline along to the plugin, by the system's own clock.
          { deadline: Date.now() + timeoutMs },
          (error, answer) => {
            underWay.delete(call)
            signal?.removeEventListener('abort', cancel)
            if (error) return reject(fail(error.code, error.details, classOfLocalError(error.details)))
            if (answer?.message === undefined) {
              return reject(fail(status.INTERNAL, `the answer is no ${name}Response`, 'broken-answer'))
            }
            resolve(answer.message)
          },
        )
        underWay.add(call)
        signal?.addEventListener('abort', cancel)
      })
    },
    close() {
      isClosed = true
      for (const call of underWay) call.cancel()
      client.close()
    },
  }
}

/** Two faults that grpc-js itself finds in an answer, and tells of under codes that plugins use as well. */
function classOfLocalError(details: string): PluginErrorClass | undefined {
  return /^(Received message larger than max|No message received)/.test(details) ? 'broken-answer' : undefined
}

function tryDecode(method: MethodDefinition<object, object>, bytes: Buffer): { message?: object } {
  try {
    return { message: method.responseDeserialize(bytes) }
  } catch {
    // Its bytes may be anything, so no text of the decoder's helps; the caller says what was expected.
    return {}
  }
}

function waitUntilConnected(client: Client, timeoutMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(new Error('aborted'))
    if (signal?.aborted) return abort()
    signal?.addEventListener('abort', abort)
    client.waitForReady(Date.now() + timeoutMs, (error) => {
      signal?.removeEventListener('abort', abort)
      if (error) reject(error)
      else resolve()
    })
  })
}

/** gRPC wants `unix:///path` for sockets and a bare `host:port` for TCP. */
function toTarget(endpoint: string): string {
  return endpoint.startsWith('tcp://') ? endpoint.slice('tcp://'.length) : endpoint
}

function createCredentials({ tls }: ConnectionOptions) {
  if (tls === undefined) return credentials.createInsecure()
  const toBuffer = (pem: string | undefined) => (pem === undefined ? null : Buffer.from(pem))
  return credentials.createSsl(toBuffer(tls.ca), toBuffer(tls.key), toBuffer(tls.cert))
}

function channelOptions({ tls }: ConnectionOptions): ClientOptions {
  return {
    // A plugin restarts in moments; half a minute of waiting for it would be ours, not its.
    'grpc.initial_reconnect_backoff_ms': 100,
    'grpc.min_reconnect_backoff_ms': 100,
    'grpc.max_reconnect_backoff_ms': 5_000,
    'grpc.max_receive_message_length': longestAnswerBytes,
    // gRPC would otherwise repeat calls by itself where the server says that it may.
    'grpc.enable_retries': 0,
    // A plugin is one process on one socket: sharing subchannels between clients would only tie their fates.
    'grpc.use_local_subchannel_pool': 1,
    ...(tls?.serverName !== undefined && {
      'grpc.ssl_target_name_override': tls.serverName,
      'grpc.default_authority': tls.serverName,
    }),
  }
}
