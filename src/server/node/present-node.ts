import type { Node, NodeStub } from '../../wire/node.ts'
import { presentPlugin } from '../plugins/present-plugin.ts'
import type { State } from '../state/state.ts'
import type { NodeIdentity } from './node-identity.ts'

/** The pool of the one node there is. */
export const ownPool = 'default'

/** What List Nodes shows of the one node there is. */
export function presentNodeStub(state: State, { id, name, datacenter }: NodeIdentity): NodeStub {
  const hostVolumes = state.host_volumes.list().filter((volume) => volume.state === 'ready')
  return {
    ID: id,
    Name: name,
    Datacenter: datacenter,
    NodeClass: '',
    NodePool: ownPool,
    Address: '127.0.0.1',
    Version: '',
    Status: 'ready',
    StatusDescription: '',
    SchedulingEligibility: 'eligible',
    Drain: false,
    Drivers: {},
    HostVolumes: Object.fromEntries(
      hostVolumes.map((volume) => [
        volume.name,
        { Name: volume.name, ID: volume.id, Path: volume.hostPath, ReadOnly: false },
      ]),
    ),
    CreateIndex: 1,
    ModifyIndex: Math.max(state.index('csi_plugins'), state.index('host_volumes')),
  }
}

const noResources = { Cpu: { CpuShares: 0 }, Memory: { MemoryMB: 0 }, Disk: { DiskMB: 0 } }

const noVersions: ReadonlyMap<string, string> = new Map()

/**
 * What Read Node shows: the stub, and this node's instances of the plugins.
 * @param hostPlugins the plugins of host volumes, with their versions
 */
export function presentNode(state: State, node: NodeIdentity, hostPlugins = noVersions): Node {
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
    Attributes: {
      'unique.hostname': node.name,
      'kernel.name': process.platform,
      'cpu.arch': process.arch === 'x64' ? 'amd64' : process.arch,
      ...Object.fromEntries(
        [...hostPlugins].map(([id, version]) => [`plugins.host_volume.${id}.version`, version]),
      ),
    },
    Meta: {},
    // No jobs run here; the nomad CLI takes these for granted.
    NodeResources: noResources,
    ReservedResources: noResources,
    CSIControllerPlugins: instances('Controllers'),
    CSINodePlugins: instances('Nodes'),
  }
}
