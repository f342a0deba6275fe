import { type MethodDefinition, status } from '@grpc/grpc-js'
import { type Around, unobserved } from '../lib/around.ts'
import { type Clock, systemClock } from '../lib/clock.ts'
import { errorMessage } from '../lib/errors.ts'
import { type Log, silentLog } from '../lib/log.ts'
import { createCallSlots, volumeKeysOf } from './call-slots.ts'
import { type Requirement, requirementsOf } from './capabilities.ts'
import { brokenClause, madeBy } from './check-answer.ts'
import { type Connect, createConnection, type TlsOptions } from './connection.ts'
import { loadContract, type MethodName, type RequestOf, type ResponseOf } from './contract.ts'
import { type Deadlines, defaultDeadlines, type RpcName } from './deadlines.ts'
import type { ControllerDefinition } from './generated/csi/v1/Controller.ts'
import type { GroupControllerDefinition } from './generated/csi/v1/GroupController.ts'
import type { IdentityDefinition } from './generated/csi/v1/Identity.ts'
import type { _csi_v1_ListSnapshotsResponse_Entry__Output as ListedSnapshot } from './generated/csi/v1/ListSnapshotsResponse.ts'
import type { _csi_v1_ListVolumesResponse_Entry__Output as ListedVolume } from './generated/csi/v1/ListVolumesResponse.ts'
import type { NodeDefinition } from './generated/csi/v1/Node.ts'
import { listAll } from './list-all.ts'
import { PluginError } from './plugin-error.ts'
import { createStateCell, type PluginState } from './plugin-state.ts'
import { loadRedactor } from './redactor.ts'

export interface PluginClientOptions {
  /** The plugin's ID in Nomad, for every error and log line. */
  readonly pluginID: string
  /** `unix:///run/plugin.sock`, `tcp://host:port` or `host:port`. */
  readonly endpoint: string
  /** Only for TCP, which is unencrypted without it. */
  readonly tls?: TlsOptions
  /** Milliseconds for each RPC, counted from when the call is sent. Default: deadlines.ts. */
  readonly deadlines?: Partial<Deadlines>
  /** How long a call waits for a connection before it fails as not sent. Default 5 s. */
  readonly connectTimeoutMs?: number
  /** The most calls about volumes at once. Default 16. */
  readonly callsAtOnce?: number
  readonly log?: Log
  readonly clock?: Clock
  /** Default: gRPC. */
  readonly connect?: Connect
  /** Runs around every call that is sent, for metrics and traces. Errors have their gRPC code as `codeName`. */
  readonly aroundCall?: Around<PluginCall>
}

/** A call of a plugin, for metrics and traces. */
export interface PluginCall {
  readonly pluginID: string
  /** As gRPC writes it: `/csi.v1.Controller/CreateVolume`. */
  readonly path: string
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
type AllCalls = Calls<IdentityDefinition> &
  Calls<ControllerDefinition> &
  Calls<GroupControllerDefinition> &
  Calls<NodeDefinition>

/**
 * One method for each RPC of Identity, Controller, GroupController and Node. A method sends one call and rejects with a
 * PluginError, whose class says whether the call may have been carried out. A call is sent only where the plugin announces
 * the capability for it, and its answer is checked against the specification. Calls about one volume go one after
 * another.
 */
export interface PluginClient extends AllCalls {
  readonly pluginID: string
  /** The state of the plugin, as the last probe or a lost connection showed it. */
  readonly state: PluginState
  /** Calls the listener with each change of state from now on. Returns the function that ends it. */
  watchState(listener: (state: PluginState) => void): () => void
  /** The capabilities of a service of the plugin, read once per connection. */
  capabilities(service: Requirement['service']): Promise<ReadonlySet<string>>
  /** All pages. */
  listAllVolumes(request: { maxEntries?: number }, options?: CallOptions): Promise<ListedVolume[]>
  /** All pages of the snapshots that pass the filter. */
  listAllSnapshots(
    request: Omit<RequestOf<ControllerDefinition['ListSnapshots']>, 'startingToken'>,
    options?: CallOptions,
  ): Promise<ListedSnapshot[]>
  /** Closes the connection. Calls that are running reject. */
  close(): void
}

/** Calls about the plugin as a whole. They wait for no slot and need no capability. */
const aboutThePlugin: ReadonlySet<RpcName> = new Set<RpcName>([
  'GetPluginInfo',
  'GetPluginCapabilities',
  'Probe',
  'ControllerGetCapabilities',
  'GroupControllerGetCapabilities',
  'NodeGetCapabilities',
  'NodeGetInfo',
])

/** A client of one CSI plugin. It connects at its first call, and again after a loss. */
export function createPluginClient(options: PluginClientOptions): PluginClient {
  const {
    pluginID,
    clock = systemClock,
    log = silentLog,
    connectTimeoutMs = 5_000,
    connect = createConnection,
    aroundCall = unobserved,
  } = options
  const deadlines: Deadlines = { ...defaultDeadlines, ...options.deadlines }
  const slots = createCallSlots(options.callsAtOnce ?? 16)
  const state = createStateCell()
  const announced = new Map<Requirement['service'], Promise<ReadonlySet<string>>>()
  const connection = connect({
    pluginID,
    endpoint: options.endpoint,
    connectTimeoutMs,
    ...(options.tls && { tls: options.tls }),
    onChange(isConnected) {
      // A plugin that comes back may be another release with other capabilities.
      if (!isConnected) announced.clear()
      state.set(isConnected ? { type: 'unprobed' } : { type: 'gone', reason: 'the connection was lost' })
    },
  })

  const attempt: Attempt = async (name, method, request, { signal } = {}) => {
    const startedMs = clock.monotonicMs()
    const logCall = (code: string) => {
      if (!log.isLevelEnabled('debug')) return
      const fields = { plugin: pluginID, rpc: name, code, ms: Math.round(clock.monotonicMs() - startedMs) }
      log.debug({ ...fields, request: loadRedactor().message(`${name}Request`, request) }, 'plugin call')
    }
    try {
      const answer = await aroundCall({ pluginID, path: method.path }, () =>
        connection.call(name, method, request, { timeoutMs: deadlines[name], ...(signal && { signal }) }),
      )
      const clause = brokenClause(name, request, answer)
      if (clause !== undefined) {
        const details = `the answer breaks CSI 1.12: ${clause}`
        const madeID = madeBy(answer)
        throw new PluginError({
          pluginID,
          method: name,
          // A plugin that answers OK with nonsense has a fault of its own.
          code: status.INTERNAL,
          details,
          errorClass: 'broken-answer',
          ...(madeID === '' ? {} : { madeID }),
        })
      }
      logCall('OK')
      noteAnswer(name, answer)
      return answer
    } catch (error) {
      if (error instanceof PluginError) {
        logCall(error.codeName)
        noteError(name, error)
      }
      throw error
    }
  }

  const noteAnswer = (name: RpcName, answer: object) => {
    if (name !== 'Probe') return
    const { ready } = answer as ResponseOf<IdentityDefinition['Probe']>
    // No value means ready.
    state.set(ready?.value === false ? { type: 'not-ready', reason: 'it is starting' } : { type: 'ready' })
  }

  const noteError = (name: RpcName, error: PluginError) => {
    if (error.code === status.UNAVAILABLE && error.errorClass === 'retry-later') {
      state.set({ type: 'gone', reason: error.details })
    } else if (name === 'Probe') {
      state.set({ type: 'not-ready', reason: `${error.codeName}: ${error.details}` })
    }
  }

  const givenUp = (name: RpcName, signal: AbortSignal | undefined) => {
    const details = `the caller gave up before the call was sent: ${errorMessage(signal?.reason)}`
    const code = status.CANCELLED
    return new PluginError({ pluginID, method: name, code, details, errorClass: 'retry-later' })
  }

  const ensureAnnounced = async (name: RpcName, request: object, { signal }: CallOptions) => {
    for (const { service, capability } of requirementsOf(name, request)) {
      const announcedThere = await untilAborted(client.capabilities(service), signal)
      if (announcedThere === undefined) throw givenUp(name, signal)
      if (announcedThere.has(capability)) continue
      const details = `the plugin does not announce ${capability}`
      const code = status.UNIMPLEMENTED
      throw new PluginError({ pluginID, method: name, code, details, errorClass: 'unsupported' })
    }
  }

  const call: Attempt = async (name, method, request, callOptions = {}) => {
    if (aboutThePlugin.has(name)) return attempt(name, method, request, callOptions)
    await ensureAnnounced(name, request, callOptions)
    const { signal } = callOptions
    return await slots
      .run(volumeKeysOf(request), () => attempt(name, method, request, callOptions), signal)
      .catch((error: unknown) => {
        if (error instanceof PluginError || !signal?.aborted) throw error
        throw givenUp(name, signal)
      })
  }

  const calls = createCalls(call)
  const client: PluginClient = {
    ...calls,
    pluginID,
    get state() {
      return state.get()
    },
    watchState: state.watch,
    capabilities(service) {
      const known = announced.get(service)
      if (known !== undefined) return known
      const asked = askCapabilities(calls, service)
      announced.set(service, asked)
      // After a failure the next call asks again.
      asked.catch(() => announced.get(service) === asked && announced.delete(service))
      return asked
    },
    listAllVolumes: (request, callOptions) =>
      listAll({ pluginID, method: 'ListVolumes' }, (startingToken) =>
        client.listVolumes({ ...request, startingToken }, callOptions),
      ),
    listAllSnapshots: (request, callOptions) =>
      listAll({ pluginID, method: 'ListSnapshots' }, (startingToken) =>
        client.listSnapshots({ ...request, startingToken }, callOptions),
      ),
    close: () => connection.close(),
  }
  return client
}

type Attempt = (
  name: RpcName,
  method: MethodDefinition<object, object>,
  request: object,
  options?: CallOptions,
) => Promise<object>

function createCalls(call: Attempt): AllCalls {
  const { identity, controller, groupController, node } = loadContract()
  const calls = [identity, controller, groupController, node].flatMap((service) =>
    Object.entries(service).map(([name, method]) => [
      name.charAt(0).toLowerCase() + name.slice(1),
      // The names and the type RpcName come from the same proto.
      (request: object, options?: CallOptions) => call(name as RpcName, method, request, options),
    ]),
  )
  // Only here the types that are generated from the proto are put on this loop.
  return Object.fromEntries(calls) as AllCalls
}

async function askCapabilities(
  calls: AllCalls,
  service: Requirement['service'],
): Promise<ReadonlySet<string>> {
  if (service === 'plugin') {
    const { capabilities } = await calls.getPluginCapabilities({})
    return new Set(capabilities.map((capability) => capability.service?.type ?? ''))
  }
  const ask = {
    controller: calls.controllerGetCapabilities,
    groupController: calls.groupControllerGetCapabilities,
    node: calls.nodeGetCapabilities,
  }[service]
  const { capabilities } = await ask({})
  return new Set(capabilities.map(({ rpc }) => rpc?.type ?? ''))
}

/** The value of the promise, or undefined as soon as the signal aborts. */
function untilAborted<Value>(promise: Promise<Value>, signal?: AbortSignal): Promise<Value | undefined> {
  if (signal === undefined) return promise
  return new Promise((resolve, reject) => {
    const abort = () => resolve(undefined)
    if (signal.aborted) abort()
    signal.addEventListener('abort', abort)
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort))
  })
}
