import type { Topology, Volume } from '../../wire/volume.ts'
import type { ServerContext } from '../context.ts'
import { presentAllocation } from '../node/present-allocation.ts'
import { presentPluginStub } from '../plugins/present-plugin.ts'
import { claimsOf } from '../state/claims-of.ts'
import type { ClaimRecord, PluginRecord, StringMap, VolumeRecord } from '../state/records.ts'
import { rfc3339, unixNanoseconds } from '../times.ts'
import { redactedFlags } from './plan-update.ts'

/** What Read Volume shows. Secrets never, mount flags only as being there. */
export function presentVolume(
  { state, node }: Pick<ServerContext, 'state' | 'node'>,
  volume: VolumeRecord,
): Volume {
  return describeVolume(volume, claimsOf(state, volume), state.csi_plugins.get(volume.pluginID), node)
}

/** The same of a moment that may be over. */
export function describeVolume(
  volume: VolumeRecord,
  claims: readonly ClaimRecord[],
  plugin: PluginRecord | undefined,
  node: ServerContext['node'],
): Volume {
  const allocIDs = (wanted: ClaimRecord['mode']) =>
    Object.fromEntries(claims.filter(({ mode }) => mode === wanted).map(({ id }) => [id, null]))
  return {
    ...identity(volume, claims),
    ...definition(volume),
    ReadAllocs: allocIDs('read'),
    WriteAllocs: allocIDs('write'),
    Allocations: claims.map((claim) => presentAllocation(claim, node)),
    ...provider(volume.pluginID, plugin),
    ...times(volume),
  }
}

/** What of a volume only its definition and its plugin's answer decide, and no list shows. */
export const definition = (volume: VolumeRecord) => ({
  ...presentRequests(volume),
  RequestedCapacityMin: volume.requestedCapacityMin,
  RequestedCapacityMax: volume.requestedCapacityMax,
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
})

/** What a read of a volume shows of its plugin. */
export const provider = (pluginID: string, plugin: PluginRecord | undefined) => ({
  ProviderVersion: plugin?.providerVersion ?? '',
  Version: plugin?.providerVersion ?? '',
  ...health(pluginID, plugin),
})

/** What was asked for of a volume, where that has a shape of its own. */
export function presentRequests({ requestedCapabilities, requestedTopologies }: VolumeRecord) {
  const { required, preferred } = requestedTopologies
  return {
    RequestedCapabilities: requestedCapabilities.map(({ accessMode, attachmentMode }) => ({
      AccessMode: accessMode,
      AttachmentMode: attachmentMode,
    })),
    RequestedTopologies:
      required.length + preferred.length === 0
        ? null
        : { Required: required.map(toTopology), Preferred: preferred.map(toTopology) },
  }
}

/** What of a volume and its claims stands before the health of its plugin. */
export function identity(volume: VolumeRecord, claims: readonly ClaimRecord[]) {
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

/** What volumes show of their plugin; the same for all of them. */
export function health(pluginID: string, plugin: PluginRecord | undefined) {
  const stub = plugin && presentPluginStub(plugin)
  const nodesHealthy = stub?.NodesHealthy ?? 0
  const controllersHealthy = stub?.ControllersHealthy ?? 0
  const controllerRequired = stub?.ControllerRequired ?? false
  return {
    Schedulable: nodesHealthy > 0 && (!controllerRequired || controllersHealthy > 0),
    PluginID: pluginID,
    Provider: stub?.Provider ?? '',
    ControllerRequired: controllerRequired,
    ControllersHealthy: controllersHealthy,
    ControllersExpected: stub?.ControllersExpected ?? 0,
    NodesHealthy: nodesHealthy,
    NodesExpected: stub?.NodesExpected ?? 0,
  }
}

/** What of a volume stands after the health of its plugin. */
export const times = (volume: VolumeRecord) => ({
  ResourceExhausted: volume.resourceExhaustedMs === 0 ? null : rfc3339(volume.resourceExhaustedMs),
  CreateIndex: volume.createIndex,
  ModifyIndex: volume.modifyIndex,
  CreateTime: unixNanoseconds(volume.createTimeMs),
  ModifyTime: unixNanoseconds(volume.modifyTimeMs),
})

const toTopology = (segments: StringMap): Topology => ({ Segments: { ...segments } })
