import { stringifyJSON } from '../../lib/json.ts'
import type { ServerContext } from '../context.ts'
import { presentHostVolume } from '../host-volumes/present-host-volume.ts'
import { presentAllocation } from '../node/present-allocation.ts'
import { presentNode } from '../node/present-node.ts'
import { presentPlugin } from '../plugins/present-plugin.ts'
import { claimsOf } from '../state/claims-of.ts'
import {
  type ClaimRecord,
  type HostVolumeRecord,
  type PluginRecord,
  type VolumeRecord,
  volumeKey,
} from '../state/records.ts'
import type { RowChange } from '../state/state.ts'
import { describeVolume } from '../volumes/present-volume.ts'
import type { Event } from './event.ts'

type Context = Pick<ServerContext, 'state' | 'node'>

/** The events of one write, to be called within it. Payloads, which are seldom asked for, are made when they are. */
export function eventsOf(context: Context, changes: readonly RowChange[]): Event[] {
  const claimed = new Set(
    changes.filter((change) => change.table === 'csi_claims').map((change) => volumeOf(change)),
  )
  return changes.flatMap(({ table, key, before, after }) => {
    if (table === 'csi_volumes') {
      const volume = (after ?? before) as VolumeRecord
      const changed = claimed.has(key) ? 'CSIVolumeClaim' : 'CSIVolumeRegistered'
      return [volumeEvent(context, after === undefined ? 'CSIVolumeDeregistered' : changed, volume)]
    }
    if (table === 'csi_claims') {
      const type = before === undefined ? 'AllocationCreated' : 'AllocationUpdated'
      // A claim that is freed has no record any more; its allocation came to its end.
      const claim = (after ?? { ...before, clientStatus: 'complete' }) as ClaimRecord
      return [allocationEvent(context, type, claim)]
    }
    if (table === 'host_volumes') {
      const type = after === undefined ? 'HostVolumeDeleted' : 'HostVolumeRegistered'
      return [hostVolumeEvent(type, (after ?? before) as HostVolumeRecord)]
    }
    if (table === 'csi_plugins') return pluginEvents(context, (after ?? before) as PluginRecord)
    return []
  })
}

function volumeOf({ before, after }: RowChange): string {
  const { namespace, volumeID } = (after ?? before) as ClaimRecord
  return volumeKey(namespace, volumeID)
}

function volumeEvent({ state, node }: Context, type: string, volume: VolumeRecord): Event {
  const claims = claimsOf(state, volume)
  const plugin = state.csi_plugins.get(volume.pluginID)
  return {
    topic: 'CSIVolume',
    type,
    key: volume.id,
    filterKeys: [volume.id, volume.name, volume.pluginID],
    namespace: volume.namespace,
    payload: once(() => ({ Volume: describeVolume(volume, claims, plugin, node) })),
  }
}

const hostVolumeEvent = (type: string, volume: HostVolumeRecord): Event => ({
  topic: 'HostVolume',
  type,
  key: volume.id,
  filterKeys: [volume.id, volume.name, volume.pluginID],
  namespace: volume.namespace,
  payload: once(() => ({ Volume: presentHostVolume(volume) })),
})

const allocationEvent = ({ node }: Context, type: string, claim: ClaimRecord): Event => ({
  topic: 'Allocation',
  type,
  key: claim.id,
  filterKeys: [claim.volumeID],
  namespace: claim.namespace,
  payload: once(() => ({ Allocation: presentAllocation(claim, node) })),
})

/** A plugin changes with its node: both in one write, as when a client of Nomad tells of its fingerprints. */
function pluginEvents({ state, node }: Context, plugin: PluginRecord): Event[] {
  const type = 'NodeRegistration'
  // Made at once: a node is what all of its plugins are now.
  const shown = presentNode(state, node)
  const shared = { type, namespace: '' }
  return [
    {
      ...shared,
      topic: 'CSIPlugin',
      key: plugin.id,
      filterKeys: [plugin.id],
      payload: once(() => ({ Plugin: presentPlugin(plugin, node.id) })),
    },
    {
      ...shared,
      topic: 'Node',
      key: node.id,
      filterKeys: [node.name],
      payload: once(() => ({ Node: shown })),
    },
  ]
}

function once(make: () => object): () => string {
  let text: string | undefined
  return () => {
    text ??= stringifyJSON(make())
    return text
  }
}
