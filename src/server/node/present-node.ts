import type { Node, NodeStub } from '../../wire/node.ts'
import { presentPlugin } from '../plugins/present-plugin.ts'
import type { State } from '../state/state.ts'
import type { NodeIdentity } from './node-identity.ts'

/** What List Nodes shows of the one node there is. */
export function presentNodeStub(state: State, { id, name, datacenter }: NodeIdentity): NodeStub {
  return {
    ID: id,
    Name: name,
    Datacenter: datacenter,
    NodeClass: '',
    NodePool: 'default',
    Address: '127.0.0.1',
    Version: '',
    Status: 'ready',
    StatusDescription: '',
    SchedulingEligibility: 'eligible',
    Drain: false,
    Drivers: {},
    HostVolumes: {},
    CreateIndex: 1,
    ModifyIndex: state.index('csi_plugins'),
  }
}

const noResources = { Cpu: { CpuShares: 0 }, Memory: { MemoryMB: 0 }, Disk: { DiskMB: 0 } }

/** What Read Node shows: the stub, and this node's instances of the plugins. */
export function presentNode(state: State, node: NodeIdentity): Node {
  const plugins = state.csi_plugins.list().map((plugin) => presentPlugin(plugin, node.id))
  const instances = (kind: 'Controllers' | 'Nodes') =>
    Object.fromEntries(
      plugins.flatMap((plugin) => {
        const instance = plugin[kind]?.[node.id]
        return instance === undefined ? [] : [[plugin.ID, instance]]
      }),
    )
  return {
    ...presentNodeStub(state, node),
    Attributes: { 'unique.hostname': node.name },
    Meta: {},
    // No jobs run here; the nomad CLI takes these for granted.
    NodeResources: noResources,
    ReservedResources: noResources,
    CSIControllerPlugins: instances('Controllers'),
    CSINodePlugins: instances('Nodes'),
  }
}
