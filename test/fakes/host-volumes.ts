import type { HostNode } from '../../src/nomad/host-volume-ports.ts'
import { isFeasible } from '../../src/wire/feasible.ts'
import type { HostVolume, HostVolumeRequest, HostVolumeStub } from '../../src/wire/host-volume.ts'

/** An allocation that uses a host volume. */
export interface HostVolumeUser {
  readonly namespace: string
  readonly nodeID: string
  readonly name: string
  /** Nomad does not see that it uses the volume (nomad#27896). */
  readonly isOverlooked: boolean
}

const plugin = 'mkdir'
const hasPlugin = (pluginID: string) => ({
  LTarget: `\${attr.plugins.host_volume.${pluginID}.version}`,
  RTarget: '',
  Operand: 'is_set',
})

export function hostNode(ID: string, fields: Partial<HostNode> = {}): HostNode {
  return {
    ID,
    Name: `name-of-${ID}`,
    Datacenter: 'dc1',
    NodeClass: '',
    NodePool: 'default',
    Status: 'ready',
    SchedulingEligibility: 'eligible',
    Attributes: { 'kernel.name': 'linux', [`plugins.host_volume.${plugin}.version`]: '1' },
    Meta: {},
    ...fields,
  }
}

/**
 * Dynamic host volumes and the nodes that hold them, in memory, after Nomad (host_volume_endpoint.go, hostvolumemanager).
 * @param refuse makes the error of an answer with this text
 */
export function createHostVolumes(refuse: (text: string) => Error) {
  const volumes = new Map<string, HostVolume>()
  const nodes = new Map(['n1', 'n2'].map((id) => [id, hostNode(id)]))
  /** By the ID of the allocation. */
  const users = new Map<string, HostVolumeUser>()
  /** The folders on each node, by node and name: its ID, and whether somebody made it since it was empty. */
  const folders = new Map<string, string>()
  const history = {
    /** `namespace/name at node` of each volume that a create made. */
    made: [] as string[],
    /** IDs of volumes whose data a delete of ours destroyed. */
    deleted: [] as string[],
    /** What was asked for while somebody was using it. */
    violations: [] as string[],
  }
  const conditions = {
    /** New volumes stay `pending`: their node tells of them later. */
    isPending: false,
  }
  let serial = 0

  const usersOf = ({ Namespace, NodeID, Name }: HostVolume) =>
    [...users].filter(
      ([, user]) => user.namespace === Namespace && user.nodeID === NodeID && user.name === Name,
    )
  const seenUsersOf = (volume: HostVolume) => usersOf(volume).filter(([, { isOverlooked }]) => !isOverlooked)

  function existing(request: HostVolumeRequest): HostVolume | undefined {
    if (!request.ID) return undefined
    const found = volumes.get(request.ID)
    if (found === undefined || found.Namespace !== request.Namespace)
      throw refuse(`cannot update volume "${request.ID}": volume does not exist`)
    if (seenUsersOf(found).length > 0)
      throw refuse(`validating volume "${request.ID}" update failed: cannot update a volume in use: claimed`)
    if (request.NodeID && request.NodeID !== found.NodeID) throw refuse('node ID cannot be updated')
    return found
  }

  function store(request: HostVolumeRequest, before: HostVolume | undefined, fields: Partial<HostVolume>) {
    serial += 1
    const volume: HostVolume = {
      Namespace: request.Namespace ?? 'default',
      ID: before?.ID ?? `00000000-0000-4000-8000-${String(serial).padStart(12, '0')}`,
      Name: request.Name,
      PluginID: request.PluginID ?? '',
      NodePool: before?.NodePool ?? 'default',
      NodeID: before?.NodeID ?? request.NodeID ?? '',
      CapacityBytes: request.RequestedCapacityMinBytes ?? 0,
      State: conditions.isPending ? 'pending' : 'ready',
      CreateIndex: before?.CreateIndex ?? serial,
      CreateTime: before?.CreateTime ?? serial,
      ModifyIndex: serial,
      ModifyTime: serial,
      Constraints: before?.Constraints ?? request.Constraints ?? null,
      RequestedCapacityMinBytes: request.RequestedCapacityMinBytes ?? 0,
      RequestedCapacityMaxBytes: request.RequestedCapacityMaxBytes ?? 0,
      RequestedCapabilities: request.RequestedCapabilities ?? null,
      Parameters: request.Parameters ?? null,
      HostPath: '',
      ...fields,
    }
    volumes.set(volume.ID, volume)
    return volume
  }

  function requireNode(nodeID: string): HostNode {
    const node = nodes.get(nodeID)
    if (node === undefined)
      throw refuse(`validating volume against state failed: node "${nodeID}" does not exist`)
    return node
  }

  function claimName(nodeID: string, name: string, before: HostVolume | undefined): void {
    const holder = folders.get(`${nodeID} ${name}`)
    if (holder !== undefined && holder !== before?.ID) throw refuse('volume name already exists on this node')
  }

  return {
    volumes,
    nodes,
    users,
    folders,
    history,
    conditions,
    index: () => BigInt(serial),
    create(request: HostVolumeRequest): HostVolume {
      const before = existing(request)
      const pluginID = request.PluginID || before?.PluginID || plugin
      const wanted = [hasPlugin(pluginID), ...(before?.Constraints ?? request.Constraints ?? [])]
      const nodeID = before?.NodeID ?? request.NodeID
      const node = nodeID
        ? requireNode(nodeID)
        : [...nodes.values()].find((each) => each.Status === 'ready' && isFeasible(each, wanted))
      if (node === undefined || !isFeasible(node, wanted))
        throw refuse(`could not place volume "${request.Name}": node ${nodeID} is not feasible for volume`)
      if (node.Status !== 'ready') throw refuse('No path to node')
      claimName(node.ID, request.Name, before)
      const volume = store({ ...request, NodeID: node.ID }, before, {
        PluginID: pluginID,
        NodePool: node.NodePool,
        HostPath: before?.HostPath ?? `/volumes/${serial + 1}`,
      })
      folders.set(`${node.ID} ${volume.Name}`, volume.ID)
      if (before === undefined) history.made.push(`${volume.Namespace}/${volume.Name} at ${node.ID}`)
      return volume
    },
    register(request: HostVolumeRequest): HostVolume {
      const before = existing(request)
      if (!request.NodeID) throw refuse('cannot register volume: node ID is required')
      if (!request.HostPath) throw refuse('cannot register volume: host path is required')
      const node = requireNode(request.NodeID)
      claimName(node.ID, request.Name, before)
      const fields = { NodePool: node.NodePool, HostPath: request.HostPath, PluginID: request.PluginID ?? '' }
      const volume = store(request, before, fields)
      folders.set(`${node.ID} ${volume.Name}`, volume.ID)
      return volume
    },
    delete(namespace: string, id: string): void {
      const volume = volumes.get(id)
      if (volume === undefined || volume.Namespace !== namespace) return
      const seen = seenUsersOf(volume)
      if (seen.length > 0) throw refuse(`volume ${id} in use by allocations: [${seen.map(([each]) => each)}]`)
      if (nodes.get(volume.NodeID)?.Status !== 'ready') throw refuse('No path to node')
      if (usersOf(volume).length > 0) history.violations.push(`delete of ${id} in use`)
      if (volume.PluginID !== '') history.deleted.push(id)
      folders.delete(`${volume.NodeID} ${volume.Name}`)
      volumes.delete(id)
      serial += 1
    },
    list: (namespace: string): HostVolumeStub[] =>
      [...volumes.values()].filter((volume) => volume.Namespace === namespace),
    get(namespace: string, id: string): HostVolume | undefined {
      const volume = volumes.get(id)
      return volume?.Namespace === namespace ? volume : undefined
    },
    usersOf: (namespace: string, nodeID: string, name: string) =>
      [...users].flatMap(([id, user]) =>
        user.namespace === namespace && user.nodeID === nodeID && user.name === name ? [id] : [],
      ),
  }
}
