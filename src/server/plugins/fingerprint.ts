import { status } from '@grpc/grpc-js'
import type { PluginClient } from '../../csi/plugin-client.ts'
import { PluginError } from '../../csi/plugin-error.ts'
import { toInt64 } from '../../csi/present.ts'
import { errorMessage } from '../../lib/errors.ts'
import type { ControllerInfo, NodeInfo } from '../../wire/plugin.ts'
import type { PluginRecord } from '../state/records.ts'

/** What asking a plugin found: all of its record but the times and indexes. */
export type Fingerprint = Omit<
  PluginRecord,
  'id' | 'createIndex' | 'modifyIndex' | 'createTimeMs' | 'modifyTimeMs'
>

/** What is known of a plugin that was never reached. */
export const unknownFingerprint: Fingerprint = {
  healthy: false,
  healthDescription: 'not probed yet',
  provider: '',
  providerVersion: '',
  requiresTopologies: false,
  controller: undefined,
  node: undefined,
}

/**
 * Asks a plugin whether it is ready and what it can do, as Nomad's client does every 30 seconds.
 * Never rejects: a plugin that does not answer is unhealthy, and its other fields stay as they were.
 */
export async function fingerprintPlugin(
  client: PluginClient,
  known: Fingerprint,
  signal: AbortSignal,
): Promise<Fingerprint> {
  try {
    const { ready } = await client.probe({}, { signal })
    // No value means ready (CSI, Probe); a plugin that is not yet may answer nothing else.
    if (ready?.value === false) return unhealthy(known, 'the plugin says that it is not ready')
    const info = await client.getPluginInfo({}, { signal })
    const services = new Set(
      (await client.getPluginCapabilities({}, { signal })).capabilities.map(({ service }) => service?.type),
    )
    return {
      healthy: true,
      healthDescription: '',
      provider: info.name,
      providerVersion: info.vendorVersion,
      requiresTopologies: services.has('VOLUME_ACCESSIBILITY_CONSTRAINTS'),
      controller: services.has('CONTROLLER_SERVICE') ? await controllerInfo(client, signal) : undefined,
      node: await nodeInfo(client, signal),
    }
  } catch (error) {
    return unhealthy(known, errorMessage(error))
  }
}

const unhealthy = (known: Fingerprint, healthDescription: string): Fingerprint => ({
  ...known,
  healthy: false,
  healthDescription,
})

async function controllerInfo(client: PluginClient, signal: AbortSignal): Promise<ControllerInfo> {
  const { capabilities } = await client.controllerGetCapabilities({}, { signal })
  const types = new Set(capabilities.map(({ rpc }) => rpc?.type))
  return {
    SupportsCreateDelete: types.has('CREATE_DELETE_VOLUME'),
    SupportsAttachDetach: types.has('PUBLISH_UNPUBLISH_VOLUME'),
    SupportsListVolumes: types.has('LIST_VOLUMES'),
    SupportsGetCapacity: types.has('GET_CAPACITY'),
    SupportsCreateDeleteSnapshot: types.has('CREATE_DELETE_SNAPSHOT'),
    SupportsListSnapshots: types.has('LIST_SNAPSHOTS'),
    SupportsClone: types.has('CLONE_VOLUME'),
    SupportsReadOnlyAttach: types.has('PUBLISH_READONLY'),
    SupportsExpand: types.has('EXPAND_VOLUME'),
    SupportsListVolumesAttachedNodes: types.has('LIST_VOLUMES_PUBLISHED_NODES'),
    SupportsCondition: types.has('VOLUME_CONDITION'),
    SupportsGet: types.has('GET_VOLUME'),
  }
}

/** undefined: the plugin runs without its node service (CSI: such calls answer UNIMPLEMENTED). */
async function nodeInfo(client: PluginClient, signal: AbortSignal): Promise<NodeInfo | undefined> {
  try {
    const info = await client.nodeGetInfo({}, { signal })
    const { capabilities } = await client.nodeGetCapabilities({}, { signal })
    const types = new Set(capabilities.map(({ rpc }) => rpc?.type))
    const topology = info.accessibleTopology
    return {
      ID: info.nodeId,
      MaxVolumes: toInt64(info.maxVolumesPerNode) || 2n ** 63n - 1n,
      AccessibleTopology: topology === null ? null : { Segments: topology.segments },
      RequiresNodeStageVolume: types.has('STAGE_UNSTAGE_VOLUME'),
      SupportsStats: types.has('GET_VOLUME_STATS'),
      SupportsExpand: types.has('EXPAND_VOLUME'),
      SupportsCondition: types.has('VOLUME_CONDITION'),
    }
  } catch (error) {
    if (error instanceof PluginError && error.code === status.UNIMPLEMENTED) return undefined
    throw error
  }
}
