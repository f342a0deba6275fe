import { isDeepStrictEqual } from 'node:util'
import { type CallOptions, createPluginClient, type PluginClient } from '../../csi/plugin-client.ts'
import type { Clock } from '../../lib/clock.ts'
import { delay } from '../../lib/clock.ts'
import type { Log } from '../../lib/log.ts'
import { badRequest, unavailable } from '../errors.ts'
import type { PluginRecord } from '../state/records.ts'
import type { State } from '../state/state.ts'
import { type Fingerprint, fingerprintPlugin, unknownFingerprint } from './fingerprint.ts'

export interface PluginConfig {
  readonly id: string
  /** `unix:///run/plugin.sock` or `tcp://host:port`. */
  readonly endpoint: string
}

/** A plugin that calls can be made to: its record says that it is healthy. */
export interface LivePlugin {
  readonly record: PluginRecord
  readonly client: PluginClient
  /** For each call, so that it ends when the server closes. */
  readonly call: CallOptions
}

/** The plugins of this server, each probed on its own. */
export interface PluginRegistry {
  /**
   * The plugin with this ID, ready to be called.
   * @throws ApiError 400 where nobody ever knew it, 503 where it is away
   */
  live(pluginID: string): LivePlugin
  /** The ID that a `plugin_id` of a query means: an exact one, else the only one with this prefix. @throws ApiError 400 */
  resolve(idOrPrefix: string): string
  /** What the `plugin_id` of a list means: an exact ID, else a prefix. */
  match(idOrPrefix: string): (pluginID: string) => boolean
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
}

/** A plugin is on this machine, or near it: one that takes longer to accept a connection is away. */
const connectTimeoutMs = 2_000
/** After a failed probe the next comes sooner: after 250 ms, then doubling up to the interval. */
const firstRetryMs = 250

export function createPluginRegistry(options: PluginRegistryOptions): PluginRegistry {
  const { state, log, clock } = options
  const closing = new AbortController()
  const clients = new Map<string, PluginClient>()
  const foundHealthy = new Map<string, Promise<void>>()

  for (const { id, endpoint } of options.plugins) {
    const client = createPluginClient({ pluginID: id, endpoint, log, clock, connectTimeoutMs })
    clients.set(id, client)
    const { promise, resolve } = Promise.withResolvers<void>()
    foundHealthy.set(id, promise)
    void keepProbing(id, client, resolve)
  }
  // A plugin that is not configured any more is away, whatever was last seen of it.
  for (const record of state.csi_plugins.list()) {
    if (!clients.has(record.id) && record.healthy) {
      store(record.id, { ...record, healthy: false, healthDescription: 'the server has no endpoint for it' })
    }
  }

  async function keepProbing(id: string, client: PluginClient, onHealthy: () => void) {
    let retryMs = firstRetryMs
    while (!closing.signal.aborted) {
      const known = state.csi_plugins.get(id) ?? unknownFingerprint
      const fingerprint = await fingerprintPlugin(client, known, closing.signal)
      if (closing.signal.aborted) return
      store(id, fingerprint)
      if (fingerprint.healthy) {
        retryMs = firstRetryMs
        onHealthy()
      }
      await delay(clock, fingerprint.healthy ? options.probeIntervalMs : retryMs, closing.signal)
      if (!fingerprint.healthy) retryMs = Math.min(retryMs * 2, options.probeIntervalMs)
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

  return {
    live(pluginID) {
      const record = state.csi_plugins.get(pluginID)
      const client = clients.get(pluginID)
      if (record === undefined) throw badRequest(`no CSI plugin named: ${pluginID} could be found`)
      if (client === undefined || !record.healthy) {
        throw unavailable(
          record.controller === undefined && record.node !== undefined
            ? `no healthy nodes for CSI plugin: ${pluginID}`
            : `no healthy controllers for CSI plugin: ${pluginID}`,
        )
      }
      return { record, client, call: { signal: closing.signal } }
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
      await Promise.race([Promise.all(foundHealthy.values()), delay(clock, timeoutMs, timer.signal)])
      timer.abort()
    },
    close() {
      closing.abort()
      for (const client of clients.values()) client.close()
    },
  }
}
