import { createHash } from 'node:crypto'
import type { HostVolumeSpec } from '../declare/host-volume.ts'
import type { Key } from './identity.ts'

/** What is read of a Nomad node to place a host volume on it. */
export interface PlacementNode {
  readonly ID: string
  readonly Name: string
  readonly NodePool: string
  /** Such as `ready`, `down` or `disconnected`. */
  readonly Status: string
  /** `eligible` or `ineligible`. */
  readonly SchedulingEligibility: string
  readonly Attributes?: Readonly<Record<string, string>> | null
}

type Placement = HostVolumeSpec['placement']

/** The pool whose nodes are read: `all` has every node. */
export function poolToRead({ nodePool, node }: Placement): string {
  return nodePool ?? (node === undefined ? 'default' : 'all')
}

/** Whether a volume is where the declaration says. @param nodes those of `poolToRead` */
export function isPlacedAt(
  { nodePool, node }: Placement,
  volume: { readonly NodeID: string; readonly NodePool: string },
  nodes: ReadonlyMap<string, PlacementNode>,
): boolean {
  if (nodePool !== undefined && volume.NodePool !== nodePool) return false
  return node === undefined || volume.NodeID === node || nodes.get(volume.NodeID)?.Name === node
}

/**
 * Chooses the node of a new volume, or says why there is none. The choice is always the same for the same nodes, and
 * spreads volumes over them.
 * @param taken nodes that have a volume of this name: a node takes no second one
 */
export function chooseNode(
  key: Key,
  { placement, pluginID }: Pick<HostVolumeSpec, 'placement' | 'pluginID'>,
  nodes: ReadonlyMap<string, PlacementNode>,
  taken: ReadonlySet<string>,
): PlacementNode | { readonly why: string } {
  const { node } = placement
  const named = [...nodes.values()].filter(
    (each) => node === undefined || each.ID === node || each.Name === node,
  )
  const where =
    node === undefined
      ? `node pool "${poolToRead(placement)}"`
      : `"${node}"${placement.nodePool === undefined ? '' : ` of node pool "${placement.nodePool}"`}`
  if (named.length === 0)
    return { why: node === undefined ? `${where} has no nodes` : `no node has the ID or the name ${where}` }
  if (node !== undefined && named.length > 1)
    return { why: `${named.length} nodes have the name ${where}; give the ID of one` }
  const able = named.filter(
    ({ Status, SchedulingEligibility }) => Status === 'ready' && SchedulingEligibility === 'eligible',
  )
  const equipped = able.filter(
    ({ Attributes }) => Attributes?.[`plugins.host_volume.${pluginID}.version`] !== undefined,
  )
  const free = equipped.filter(({ ID }) => !taken.has(ID))
  const [first, ...others] = free
  if (first !== undefined)
    return others.reduce((best, each) => (rank(key, each) < rank(key, best) ? each : best), first)
  const reasons = [
    [named.length - able.length, 'not ready, or not eligible for new work'],
    [able.length - equipped.length, `without plugin "${pluginID}"`],
    [equipped.length, 'with another volume of this name'],
  ] as const
  const list = reasons.filter(([count]) => count > 0).map(([count, what]) => `${count} ${what}`)
  return {
    why: `of ${named.length === 1 ? 'the one node' : `the ${named.length} nodes`} of ${where}: ${list.join(', ')}`,
  }
}

function rank(key: Key, { ID }: PlacementNode): string {
  return createHash('sha256')
    .update(JSON.stringify([key, ID]))
    .digest('hex')
}
