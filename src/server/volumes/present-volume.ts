import { stringifyJSON } from '../../lib/json.ts'
import type { Topology, Volume, VolumeStub } from '../../wire/volume.ts'
import type { ServerContext } from '../context.ts'
import { presentAllocation } from '../node/present-allocation.ts'
import { presentPluginStub } from '../plugins/present-plugin.ts'
import { claimsOf } from '../state/claims-of.ts'
import type { ClaimRecord, PluginRecord, StringMap, VolumeRecord } from '../state/records.ts'
import type { State } from '../state/state.ts'
import { rfc3339, unixNanoseconds } from '../times.ts'
import { redactedFlags } from './plan-update.ts'

/** What List Volumes shows of a volume: with the health of its plugin and the counts of its claims as they are. */
export function presentVolumeStub(state: State, volume: VolumeRecord): VolumeStub {
  const claims = claimsOf(state, volume)
  return {
    ...identity(volume, claims),
    CurrentReaders: claims.filter(({ mode }) => mode === 'read').length,
    CurrentWriters: claims.filter(({ mode }) => mode === 'write').length,
    ...health(volume, state.csi_plugins.get(volume.pluginID)),
  }
}

/** What Read Volume shows. Secrets never, mount flags only as being there. */
export function presentVolume(
  { state, node }: Pick<ServerContext, 'state' | 'node'>,
  volume: VolumeRecord,
): Volume {
  const claims = claimsOf(state, volume)
  const plugin = state.csi_plugins.get(volume.pluginID)
  const { required, preferred } = volume.requestedTopologies
  const allocIDs = (wanted: ClaimRecord['mode']) =>
    Object.fromEntries(claims.filter(({ mode }) => mode === wanted).map(({ id }) => [id, null]))
  return {
    ...identity(volume, claims),
    RequestedCapabilities: volume.requestedCapabilities.map(({ accessMode, attachmentMode }) => ({
      AccessMode: accessMode,
      AttachmentMode: attachmentMode,
    })),
    RequestedCapacityMin: volume.requestedCapacityMin,
    RequestedCapacityMax: volume.requestedCapacityMax,
    RequestedTopologies:
      required.length + preferred.length === 0
        ? null
        : { Required: required.map(toTopology), Preferred: preferred.map(toTopology) },
    Capacity: volume.capacity,
    CloneID: volume.cloneID,
    SnapshotID: volume.snapshotID,
    MountOptions: {
      FSType: volume.mountOptions.fsType,
      MountFlags: volume.mountOptions.mountFlags.length === 0 ? null : [...redactedFlags],
    },
    Secrets: null,
    Parameters: volume.parameters,
    Context: volume.context,
    ReadAllocs: allocIDs('read'),
    WriteAllocs: allocIDs('write'),
    Allocations: claims.map((claim) => presentAllocation(claim, node)),
    ProviderVersion: plugin?.providerVersion ?? '',
    Version: plugin?.providerVersion ?? '',
    ...health(volume, plugin),
  }
}

interface CachedStub {
  readonly plugin: PluginRecord | undefined
  readonly json: string
}

/**
 * The stub as JSON, kept for as long as the volume's and the plugin's records are the ones it was made from
 * (each change of a claim makes a new record of its volume), so that a long list costs one join.
 */
export function createStubCache(state: State): (volume: VolumeRecord) => string {
  const cache = new WeakMap<VolumeRecord, CachedStub>()
  return (volume) => {
    const plugin = state.csi_plugins.get(volume.pluginID)
    const cached = cache.get(volume)
    if (cached !== undefined && cached.plugin === plugin) return cached.json
    const json = stringifyJSON(presentVolumeStub(state, volume))
    cache.set(volume, { plugin, json })
    return json
  }
}

function identity(volume: VolumeRecord, claims: readonly ClaimRecord[]) {
  const [first] = claims
  return {
    ID: volume.id,
    Namespace: volume.namespace,
    Name: volume.name,
    ExternalID: volume.externalID,
    Topologies: volume.topologies.map(toTopology),
    AccessMode: first?.accessMode ?? '',
    AttachmentMode: first?.attachmentMode ?? '',
  }
}

function health(volume: VolumeRecord, plugin: PluginRecord | undefined) {
  const stub = plugin && presentPluginStub(plugin)
  const nodesHealthy = stub?.NodesHealthy ?? 0
  const controllersHealthy = stub?.ControllersHealthy ?? 0
  const controllerRequired = stub?.ControllerRequired ?? false
  return {
    Schedulable: nodesHealthy > 0 && (!controllerRequired || controllersHealthy > 0),
    PluginID: volume.pluginID,
    Provider: stub?.Provider ?? '',
    ControllerRequired: controllerRequired,
    ControllersHealthy: controllersHealthy,
    ControllersExpected: stub?.ControllersExpected ?? 0,
    NodesHealthy: nodesHealthy,
    NodesExpected: stub?.NodesExpected ?? 0,
    ResourceExhausted: volume.resourceExhaustedMs === 0 ? null : rfc3339(volume.resourceExhaustedMs),
    CreateIndex: volume.createIndex,
    ModifyIndex: volume.modifyIndex,
    CreateTime: unixNanoseconds(volume.createTimeMs),
    ModifyTime: unixNanoseconds(volume.modifyTimeMs),
  }
}

const toTopology = (segments: StringMap): Topology => ({ Segments: { ...segments } })
