import {
  Client,
  type ClientOptions,
  credentials,
  Metadata,
  type MethodDefinition,
  status,
} from '@grpc/grpc-js'
import { type Clock, systemClock } from '../lib/clock.ts'
import { type Log, silentLog } from '../lib/log.ts'
import { loadContract, type MethodName, type RequestOf, type ResponseOf } from './contract.ts'
import { type Deadlines, defaultDeadlines, type RpcName } from './deadlines.ts'
import type { ControllerDefinition } from './generated/csi/v1/Controller.ts'
import type { IdentityDefinition } from './generated/csi/v1/Identity.ts'
import type { NodeDefinition } from './generated/csi/v1/Node.ts'
import { PluginError } from './plugin-error.ts'

export interface PluginClientOptions {
  /** The name that people gave the plugin; stands in every error and log line. */
  readonly pluginID: string
  /** `unix:///run/plugin.sock`, `tcp://host:port` or `host:port`. */
  readonly endpoint: string
  /** PEM texts; only for TCP. Without it TCP is in the clear. */
  readonly tls?: {
    readonly ca?: string
    readonly cert?: string
    readonly key?: string
    /** Checked in the plugin's certificate instead of the endpoint's host. */
    readonly serverName?: string
  }
  /** Milliseconds by RPC; what is not given is as in deadlines.ts. */
  readonly deadlines?: Partial<Deadlines>
  /** How long to wait for a connection before a call is given up as not sent. Default 5 s. */
  readonly connectTimeoutMs?: number
  readonly log?: Log
  readonly clock?: Clock
}

export interface CallOptions {
  readonly signal?: AbortSignal
}

type Calls<Definition> = {
  readonly [Name in MethodName<Definition> as Uncapitalize<Name>]: (
    request: RequestOf<Definition[Name]>,
    options?: CallOptions,
  ) => Promise<ResponseOf<Definition[Name]>>
}

/**
 * One method per RPC of Identity, Controller and Node, named as the RPC. Every method makes one attempt
 * and rejects with a PluginError; its class says whether the call may have been carried out.
 */
export interface PluginClient
  extends Calls<IdentityDefinition>,
    Calls<ControllerDefinition>,
    Calls<NodeDefinition> {
  readonly pluginID: string
  /** Cuts the connection; calls under way reject. */
  close(): void
}

/** A client of one CSI plugin. It connects at its first call, and again by itself after a loss. */
export function createPluginClient(options: PluginClientOptions): PluginClient {
  const { pluginID, clock = systemClock, log = silentLog, connectTimeoutMs = 5_000 } = options
  const deadlines: Deadlines = { ...defaultDeadlines, ...options.deadlines }
  const client = new Client(toTarget(options.endpoint), createCredentials(options), channelOptions(options))

  const call = async (
    name: RpcName,
    method: MethodDefinition<object, object>,
    request: object,
    { signal }: CallOptions = {},
  ) => {
    const fail = (code: status, details: string, notSent?: 'retry-later') =>
      new PluginError({ pluginID, method: name, code, details, ...(notSent && { errorClass: notSent }) })
    if (signal?.aborted) throw fail(status.CANCELLED, 'given up before it was sent', 'retry-later')
    const startedMs = clock.now()
    await new Promise<void>((resolve, reject) =>
      client.waitForReady(startedMs + connectTimeoutMs, (error) => (error ? reject(error) : resolve())),
    ).catch(() => {
      throw fail(status.UNAVAILABLE, `no connection to ${options.endpoint}`, 'retry-later')
    })
    return await new Promise<object>((resolve, reject) => {
      const deadline = clock.now() + deadlines[name]
      const cancel = () => unary.cancel()
      const unary = client.makeUnaryRequest(
        method.path,
        method.requestSerialize,
        method.responseDeserialize,
        request,
        new Metadata(),
        { deadline },
        (error, response) => {
          signal?.removeEventListener('abort', cancel)
          log.debug(
            { plugin: pluginID, rpc: name, ms: clock.now() - startedMs, code: error?.code ?? 0 },
            'call',
          )
          if (error) return reject(fail(error.code, error.details))
          if (response === undefined) return reject(fail(status.INTERNAL, 'no answer'))
          resolve(response)
        },
      )
      signal?.addEventListener('abort', cancel)
    })
  }

  const { identity, controller, node } = loadContract()
  const calls = [identity, controller, node].flatMap((service) =>
    Object.entries(service).map(([name, method]) => [
      name.charAt(0).toLowerCase() + name.slice(1),
      // The names come from the same proto as the type RpcName.
      (request: object, callOptions?: CallOptions) => call(name as RpcName, method, request, callOptions),
    ]),
  )
  return {
    // The one place where the types, generated from the proto, are laid over the loop above.
    ...(Object.fromEntries(calls) as Calls<IdentityDefinition> &
      Calls<ControllerDefinition> &
      Calls<NodeDefinition>),
    pluginID,
    close: () => client.close(),
  }
}

/** gRPC wants `unix:///path` for sockets and a bare `host:port` for TCP. */
function toTarget(endpoint: string): string {
  return endpoint.startsWith('tcp://') ? endpoint.slice('tcp://'.length) : endpoint
}

function createCredentials({ tls }: PluginClientOptions) {
  if (tls === undefined) return credentials.createInsecure()
  const toBuffer = (pem: string | undefined) => (pem === undefined ? null : Buffer.from(pem))
  return credentials.createSsl(toBuffer(tls.ca), toBuffer(tls.key), toBuffer(tls.cert))
}

function channelOptions({ tls }: PluginClientOptions): ClientOptions {
  return {
    'grpc.initial_reconnect_backoff_ms': 100,
    'grpc.max_reconnect_backoff_ms': 5_000,
    // A plugin is one process on one socket: sharing subchannels between clients would only tie their fates.
    'grpc.use_local_subchannel_pool': 1,
    ...(tls?.serverName !== undefined && { 'grpc.ssl_target_name_override': tls.serverName }),
  }
}
