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
  /** PEM texts. Without `ca`, the system's authorities are trusted. `cert` and `key` are for mutual TLS. */
  readonly ca?: string
  readonly cert?: string
  readonly key?: string
  /** The name in the plugin's certificate, in place of the endpoint's host. */
  readonly serverName?: string
}

export interface ConnectionOptions {
  readonly pluginID: string
  readonly endpoint: string
  readonly tls?: TlsOptions
  readonly connectTimeoutMs: number
  /** Called when the connection was made or lost. */
  onChange(isConnected: boolean): void
}

/** One gRPC channel to a plugin. It connects when it is needed, and again after a loss. */
export interface Connection {
  /** Sends one call once. Every failure is a PluginError without secrets. */
  call(
    name: RpcName,
    method: MethodDefinition<object, object>,
    request: object,
    options: { readonly timeoutMs: number; readonly signal?: AbortSignal },
  ): Promise<object>
  close(): void
}

/** Go's gRPC stops at 4 MiB by default, so no sound plugin sends a larger answer than this. */
const longestAnswerBytes = 16 * 2 ** 20

export type Connect = (options: ConnectionOptions) => Connection

export const createConnection: Connect = (options) => {
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
      // The connection first, apart from the call: then a failure here means that nothing was sent.
      await waitUntilConnected(client, options.connectTimeoutMs, signal).catch(() => {
        if (signal?.aborted) throw notSent(status.CANCELLED, 'the caller gave up before the call was sent')
        throw notSent(status.UNAVAILABLE, `nothing answers at ${endpoint}`)
      })
      return await new Promise<object>((resolve, reject) => {
        const cancel = () => call.cancel()
        const call = client.makeUnaryRequest(
          method.path,
          method.requestSerialize,
          // Otherwise a message that cannot be read would look like a failure of the plugin.
          (bytes: Buffer) => tryDecode(method, bytes),
          request,
          new Metadata(),
          // gRPC sends the deadline along to the plugin. It goes by the system clock.
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

/** grpc-js itself finds two faults in answers, and reports them under codes that plugins use, too. */
function classOfLocalError(details: string): PluginErrorClass | undefined {
  return /^(Received message larger than max|No message received)/.test(details) ? 'broken-answer' : undefined
}

function tryDecode(method: MethodDefinition<object, object>, bytes: Buffer): { message?: object } {
  try {
    return { message: method.responseDeserialize(bytes) }
  } catch {
    // The caller says what was expected. The decoder's text about arbitrary bytes would not help.
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

/** gRPC expects `unix:///path` for sockets and a bare `host:port` for TCP. */
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
    // A plugin restarts in moments, so gRPC's own pauses of up to half a minute would be too long.
    'grpc.initial_reconnect_backoff_ms': 100,
    'grpc.min_reconnect_backoff_ms': 100,
    'grpc.max_reconnect_backoff_ms': 5_000,
    'grpc.max_receive_message_length': longestAnswerBytes,
    // Otherwise gRPC repeats calls where the server allows it.
    'grpc.enable_retries': 0,
    // Clients that share a subchannel would fail together.
    'grpc.use_local_subchannel_pool': 1,
    ...(tls?.serverName !== undefined && {
      'grpc.ssl_target_name_override': tls.serverName,
      'grpc.default_authority': tls.serverName,
    }),
  }
}
