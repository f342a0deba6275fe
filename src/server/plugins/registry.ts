import { isDeepStrictEqual } from 'node:util'
import type { Connect, TlsOptions } from '../../csi/connection.ts'
import {
  type CallOptions,
  createPluginClient,
  type PluginClient,
  type PluginClientOptions,
} from '../../csi/plugin-client.ts'
import { nest } from '../../lib/around.ts'
import type { Clock } from '../../lib/clock.ts'
import { delay } from '../../lib/clock.ts'
import { errorMessage } from '../../lib/errors.ts'
import type { Log } from '../../lib/log.ts'
import { badRequest, unavailable } from '../errors.ts'
import type { PluginRecord } from '../state/records.ts'
import type { State } from '../state/state.ts'
import { type Fingerprint, fingerprintPlugin, unknownFingerprint } from './fingerprint.ts'

export interface PluginConfig {
  readonly id: string
  /** `unix:///run/plugin.sock` or `tcp://host:port`. */
  readonly endpoint: string
  /** For TCP. */
  readonly tls?: TlsOptions
}

interface RunningPlugin {
  readonly client: PluginClient
  /** Aborts when the plugin is removed or the server closes. */
  readonly ended: AbortSignal
  readonly foundHealthy: Promise<void>
  remove(): void
}

/** A plugin that calls can be made to: its record says that it is healthy. */
export interface LivePlugin {
  readonly record: PluginRecord
  readonly client: PluginClient
  /** For each call, so that it ends with the server or the plugin. */
  readonly call: CallOptions
}

/** The plugins of this server, each probed on its own. */
export interface PluginRegistry {
  /**
   * The plugin with this ID, ready to be called.
   * @throws ApiError 400 where this plugin was never known, 503 where it is away
   */
  live(pluginID: string): LivePlugin
  /** The ID that a `plugin_id` of a query means: an exact one, else the only one with this prefix. @throws ApiError 400 */
  resolve(idOrPrefix: string): string
  /** For calls that destroy, where a prefix would be a guess. @throws ApiError 400 where no plugin has this ID */
  requireKnown(pluginID: string): void
  /** What the `plugin_id` of a list means: an exact ID, else a prefix. */
  match(idOrPrefix: string): (pluginID: string) => boolean
  /** Takes over what a plugin directory holds now, beside the plugins that were configured one by one. */
  replaceDiscovered(plugins: readonly PluginConfig[]): void
  /** Resolves when every plugin was found healthy, or `timeoutMs` have passed. */
  firstHealthy(timeoutMs: number): Promise<void>
  close(): void
}

export interface PluginRegistryOptions {
  readonly plugins: readonly PluginConfig[]
  readonly state: State
  readonly log: Log
  readonly clock: Clock
  /** Between two probes of a healthy plugin, in milliseconds. */
  readonly probeIntervalMs: number
  /** Default: gRPC. */
  readonly connect?: Connect
  readonly aroundCall?: PluginClientOptions['aroundCall']
}

/** A plugin is on this machine, or near it: one that takes longer to accept a connection is away. */
const connectTimeoutMs = 2_000
/** After a failed probe the next comes sooner: after 250 ms, then doubling. */
const firstRetryMs = 250
const longestRetryMs = 5_000

/** RPCs that only ask. */
const changesNothing = (path: string) =>
  /\/(Probe|Get\w+|List\w+|ControllerGet\w+|NodeGet\w+|Validate\w+)$/.test(path)

export function createPluginRegistry(options: PluginRegistryOptions): PluginRegistry {
  const { state, log, clock } = options
  const closing = new AbortController()
  const running = new Map<string, RunningPlugin>()
  /** What a change rests on, such as its intent, is on the disk before it is sent. */
  const onceDurable: NonNullable<PluginRegistryOptions['aroundCall']> = async ({ path }, run) => {
    if (!changesNothing(path)) await state.durable()
    return await run()
  }

  function add({ id, endpoint, tls }: PluginConfig) {
    const client = createPluginClient({
      pluginID: id,
      endpoint,
      ...(tls !== undefined && { tls }),
      connectTimeoutMs,
      log,
      clock,
      ...(options.connect && { connect: options.connect }),
      aroundCall: nest(onceDurable, options.aroundCall),
    })
    const removed = new AbortController()
    const ended = AbortSignal.any([closing.signal, removed.signal])
    const { promise: foundHealthy, resolve } = Promise.withResolvers<void>()
    running.set(id, { client, ended, foundHealthy, remove: () => removed.abort() })
    void keepProbing(id, client, ended, resolve)
  }

  function remove(id: string, why: string) {
    const plugin = running.get(id)
    running.delete(id)
    plugin?.remove()
    plugin?.client.close()
    const record = state.csi_plugins.get(id)
    if (record === undefined) return
    // Volumes still name it. It stays in the list, unhealthy.
    if (state.csi_volumes.list().some(({ pluginID }) => pluginID === id)) {
      return store(id, { ...record, healthy: false, healthDescription: why })
    }
    log.info({ plugin: id, why }, 'plugin gone')
    state.write((transaction) => transaction.remove('csi_plugins', id))
  }

  async function keepProbing(id: string, client: PluginClient, ended: AbortSignal, onHealthy: () => void) {
    let retryMs = firstRetryMs
    let lost = new AbortController()
    client.watchState(({ type }) => {
      if (type === 'gone') lost.abort()
    })
    while (!ended.aborted) {
      lost = new AbortController()
      const known = state.csi_plugins.get(id) ?? unknownFingerprint
      const fingerprint = await fingerprintPlugin(client, known, ended)
      if (ended.aborted) return
      tryStore(id, fingerprint)
      if (fingerprint.healthy) {
        retryMs = firstRetryMs
        onHealthy()
      }
      const delayMs = fingerprint.healthy ? options.probeIntervalMs : retryMs
      // A connection that is lost is looked into at once.
      await delay(clock, delayMs, fingerprint.healthy ? AbortSignal.any([ended, lost.signal]) : ended)
      if (!fingerprint.healthy) retryMs = Math.min(retryMs * 2, longestRetryMs, options.probeIntervalMs)
    }
  }

  /** As store, for the probes, which have no caller. A failed write is tried again after a later probe. */
  function tryStore(id: string, fingerprint: Fingerprint) {
    try {
      store(id, fingerprint)
    } catch (error) {
      log.error({ plugin: id, reason: errorMessage(error) }, 'health of the plugin is not stored')
    }
  }

  /** Writes only a difference, so that probes alone move no index and wake nobody. */
  function store(id: string, fingerprint: Fingerprint) {
    const known = state.csi_plugins.get(id)
    const { healthy, healthDescription, provider, providerVersion, requiresTopologies, controller, node } =
      fingerprint
    const next = {
      healthy,
      healthDescription,
      provider,
      providerVersion,
      requiresTopologies,
      controller,
      node,
    }
    if (known !== undefined) {
      const same = Object.entries(next).every(([key, value]) =>
        isDeepStrictEqual(value, known[key as keyof Fingerprint]),
      )
      if (same) return
    }
    if (known?.healthy !== healthy) log.info({ plugin: id, healthy, healthDescription }, 'plugin health')
    state.write(({ put, touch, index, nowMs }) => {
      put('csi_plugins', {
        ...next,
        id,
        createIndex: known?.createIndex ?? index,
        modifyIndex: index,
        createTimeMs: known?.createTimeMs ?? nowMs,
        modifyTimeMs: nowMs,
      })
      // Volumes show the health of their plugin.
      if (state.csi_volumes.list().some(({ pluginID }) => pluginID === id)) touch('csi_volumes')
    })
  }

  for (const plugin of options.plugins) add(plugin)
  for (const { id } of state.csi_plugins.list()) {
    if (!running.has(id)) remove(id, 'the server has no endpoint for it')
  }

  return {
    replaceDiscovered(plugins) {
      const fixed = new Set(options.plugins.map(({ id }) => id))
      const found = new Set(plugins.map(({ id }) => id))
      for (const id of [...running.keys()]) {
        if (!fixed.has(id) && !found.has(id)) remove(id, 'its socket is gone')
      }
      // What a full disk kept from being stored.
      for (const { id, healthy } of state.csi_plugins.list()) {
        if (healthy && !running.has(id) && !found.has(id)) remove(id, 'its socket is gone')
      }
      for (const plugin of plugins) if (!running.has(plugin.id)) add(plugin)
    },
    live(pluginID) {
      const record = state.csi_plugins.get(pluginID)
      const plugin = running.get(pluginID)
      if (record === undefined) throw badRequest(`no CSI plugin named: ${pluginID} could be found`)
      if (plugin === undefined || !record.healthy) {
        throw unavailable(
          record.controller === undefined && record.node !== undefined
            ? `no healthy nodes for CSI plugin: ${pluginID}`
            : `no healthy controllers for CSI plugin: ${pluginID}`,
        )
      }
      return { record, client: plugin.client, call: { signal: plugin.ended } }
    },
    requireKnown(pluginID) {
      if (state.csi_plugins.get(pluginID) !== undefined) return
      if (pluginID === '') throw badRequest('missing plugin_id: no such plugin')
      throw badRequest(`no such plugin "${pluginID}": a delete takes the whole ID of the plugin`)
    },
    resolve(idOrPrefix) {
      if (idOrPrefix === '') throw badRequest('missing plugin_id: no such plugin')
      if (state.csi_plugins.get(idOrPrefix) !== undefined) return idOrPrefix
      const matches = state.csi_plugins.list().filter(({ id }) => id.startsWith(idOrPrefix))
      const [only] = matches
      if (only === undefined) throw badRequest(`no such plugin "${idOrPrefix}"`)
      if (matches.length > 1) {
        const ids = matches.map(({ id }) => id).join(', ')
        throw badRequest(`plugin_id "${idOrPrefix}" matches several plugins: ${ids}`)
      }
      return only.id
    },
    match: (idOrPrefix) =>
      state.csi_plugins.get(idOrPrefix) === undefined
        ? (pluginID) => pluginID.startsWith(idOrPrefix)
        : (pluginID) => pluginID === idOrPrefix,
    async firstHealthy(timeoutMs) {
      const timer = new AbortController()
      await Promise.race([
        Promise.all([...running.values()].map((plugin) => plugin.foundHealthy)),
        delay(clock, timeoutMs, timer.signal),
      ])
      timer.abort()
    },
    close() {
      closing.abort()
      for (const { client } of running.values()) client.close()
    },
  }
}
