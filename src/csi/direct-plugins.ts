import { type Clock, delay } from '../lib/clock.ts'
import type { Log } from '../lib/log.ts'
import { mapOf } from '../lib/partial-map.ts'
import type { Room } from '../wire/plugin.ts'
import type { Snapshot } from '../wire/snapshot.ts'
import type { ExternalVolume } from '../wire/volume.ts'
import { createPluginClient, type PluginClient, type PluginClientOptions } from './plugin-client.ts'
import { PluginError } from './plugin-error.ts'
import { presentExternalVolume, presentSnapshot } from './present.ts'

export interface DirectPluginsOptions extends Required<Pick<PluginClientOptions, 'clock' | 'log'>> {
  /** `unix:///run/plugin.sock` by plugin ID. */
  readonly endpoints: ReadonlyMap<string, string>
  readonly aroundCall?: PluginClientOptions['aroundCall']
}

/**
 * CSI plugins that this process calls at their own sockets, without Nomad. Where a plugin cannot be reached, each method
 * returns that nothing is known. A call that fails rejects with an OperationError.
 */
export interface DirectPlugins {
  /** Reads one external volume, for plugins that cannot list. `unlisted`: the plugin says that it does not exist. */
  externalVolume(pluginID: string, externalID: string): Promise<ExternalVolume | 'unlisted' | 'unknown'>
  /** How much the plugin can still provide for volumes like this (CSI, GetCapacity). */
  room(
    pluginID: string,
    kind: {
      readonly parameters?: Readonly<Record<string, string>>
      readonly topology?: Readonly<Record<string, string>>
    },
  ): Promise<Room | undefined>
  /**
   * Detaches the volume from a node at the storage provider (ControllerUnpublishVolume). May be repeated.
   * @returns false where the plugin was not called: it cannot be reached, or does not publish volumes
   */
  unpublish(
    what: {
      readonly pluginID: string
      readonly externalID: string
      /** The ID that the plugin gives the node. */
      readonly externalNodeID: string
      readonly secrets: Readonly<Record<string, string>>
    },
    signal?: AbortSignal,
  ): Promise<boolean>
}

/** The lists of a plugin, read from the plugin itself or through Nomad. */
export interface PluginLists {
  listExternalVolumes(pluginID: string, signal?: AbortSignal): Promise<ReadonlyMap<string, ExternalVolume>>
  listSnapshots(pluginID: string, signal?: AbortSignal): Promise<ReadonlyMap<string, Snapshot>>
}

export interface OpenDirectPlugins extends DirectPlugins {
  /** The lists from the plugin where it can be reached, otherwise those of `others`. */
  listsBeside(others: PluginLists): PluginLists
  close(): void
}

/** These plugins run on this machine: one that takes longer to accept a connection is not there. */
const connectTimeoutMs = 2_000
const probeIntervalMs = 30_000

/**
 * Connects to plugins at their sockets, and probes each every half a minute. A plugin that does not answer is read
 * through Nomad, as if it had no endpoint.
 */
export function createDirectPlugins(options: DirectPluginsOptions): OpenDirectPlugins {
  const { endpoints, clock, log, aroundCall } = options
  const closing = new AbortController()
  const { signal } = closing
  const clients = new Map<string, PluginClient>()
  for (const [pluginID, endpoint] of endpoints) {
    const client = createPluginClient({
      pluginID,
      endpoint,
      connectTimeoutMs,
      log,
      clock,
      ...(aroundCall === undefined ? {} : { aroundCall }),
    })
    clients.set(pluginID, client)
    void keepProbing(client, clock, log, signal)
  }

  const call = (caller?: AbortSignal) => ({
    signal: caller === undefined ? signal : AbortSignal.any([signal, caller]),
  })

  /** The client of a plugin that answers and announces the capability; otherwise undefined. */
  async function clientFor(pluginID: string, capability: string): Promise<PluginClient | undefined> {
    const client = clients.get(pluginID)
    if (client === undefined) return undefined
    try {
      if (client.state.type !== 'ready') await client.probe({}, call())
      if (client.state.type !== 'ready') return undefined
      return (await client.capabilities('controller')).has(capability) ? client : undefined
    } catch (error) {
      if (!(error instanceof PluginError)) throw error
      // The probes report it. Nomad may still reach the plugin.
      return undefined
    }
  }

  return {
    async externalVolume(pluginID, externalID) {
      const client = await clientFor(pluginID, 'GET_VOLUME')
      if (client === undefined) return 'unknown'
      try {
        const { volume, status } = await client.controllerGetVolume({ volumeId: externalID }, call())
        return volume === null ? 'unknown' : presentExternalVolume(volume, status)
      } catch (error) {
        if (error instanceof PluginError && error.codeName === 'NOT_FOUND') return 'unlisted'
        throw error
      }
    },
    async room(pluginID, { parameters, topology }) {
      const client = await clientFor(pluginID, 'GET_CAPACITY')
      if (client === undefined) return undefined
      const answer = await client.getCapacity(
        {
          parameters: { ...parameters },
          ...(topology && { accessibleTopology: { segments: { ...topology } } }),
        },
        call(),
      )
      const maximumBytes = BigInt(answer.maximumVolumeSize?.value ?? 0)
      return {
        availableBytes: BigInt(answer.availableCapacity),
        ...(maximumBytes > 0n ? { maximumVolumeBytes: maximumBytes } : {}),
      }
    },
    async unpublish({ pluginID, externalID, externalNodeID, secrets }, caller) {
      const client = await clientFor(pluginID, 'PUBLISH_UNPUBLISH_VOLUME')
      await client?.controllerUnpublishVolume(
        { volumeId: externalID, nodeId: externalNodeID, secrets: { ...secrets } },
        call(caller),
      )
      return client !== undefined
    },
    listsBeside: (others) => ({
      async listExternalVolumes(pluginID, caller) {
        const client = await clientFor(pluginID, 'LIST_VOLUMES')
        if (client === undefined) return others.listExternalVolumes(pluginID, caller)
        const entries = await client.listAllVolumes({}, call(caller))
        const volumes = entries.flatMap(({ volume, status }) =>
          volume === null || volume.volumeId === '' ? [] : [presentExternalVolume(volume, status)],
        )
        return mapOf(
          volumes.map((volume) => [volume.ExternalID, volume]),
          entries.length - volumes.length,
        )
      },
      async listSnapshots(pluginID, caller) {
        const client = await clientFor(pluginID, 'LIST_SNAPSHOTS')
        if (client === undefined) return others.listSnapshots(pluginID, caller)
        const entries = await client.listAllSnapshots({}, call(caller))
        const snapshots = entries.flatMap(({ snapshot }) =>
          snapshot === null || snapshot.snapshotId === ''
            ? []
            : [{ ...presentSnapshot(snapshot), PluginID: pluginID }],
        )
        return mapOf(
          snapshots.map((snapshot) => [snapshot.ID, snapshot]),
          entries.length - snapshots.length,
        )
      },
    }),
    close() {
      closing.abort()
      for (const client of clients.values()) client.close()
    },
  }
}

/** Probes the plugin and logs its state. */
async function keepProbing(client: PluginClient, clock: Clock, log: Log, signal: AbortSignal): Promise<void> {
  const { pluginID: plugin } = client
  client.watchState((state) => {
    if (signal.aborted) return
    const why = 'reason' in state ? { why: state.reason } : {}
    log.info({ plugin, state: state.type, ...why }, 'the state of a directly reached plugin changed')
  })
  while (!signal.aborted) {
    try {
      await client.probe({}, { signal })
    } catch (error) {
      // The state shows what failed. Any other error is a mistake in this program.
      if (!(error instanceof PluginError)) throw error
    }
    await delay(clock, probeIntervalMs, signal)
  }
}
