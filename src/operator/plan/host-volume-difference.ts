import { isDeepStrictEqual } from 'node:util'
import type { HostVolume } from '../../wire/host-volume.ts'
import type { HostVolumeSpec } from '../declare/host-volume.ts'
import { isPlacedAt, type PlacementNode } from './host-volume-node.ts'
import type { FieldDifference } from './volume-difference.ts'

/**
 * The declared fields that differ from Nomad's volume and that Mooring never changes. Nomad would take an update of some
 * of them without doing it, or by running the plugin again over the data.
 * @param nodes those of the declared pool
 */
export function compareHostVolume(
  spec: HostVolumeSpec,
  volume: HostVolume,
  nodes: ReadonlyMap<string, PlacementNode>,
): readonly FieldDifference[] {
  const found: FieldDifference[] = []
  const compare = (field: string, declared: unknown, actual: unknown) => {
    if (declared === undefined || isDeepStrictEqual(declared, actual)) return
    found.push({ field, declared: show(declared), actual: show(actual) })
  }
  const { nodePool, node } = spec.placement
  compare('spec.pluginID', spec.pluginID, volume.PluginID)
  compare('spec.placement.nodePool', nodePool, volume.NodePool)
  // A node that Nomad has forgotten has no name any more, so a declared name is not compared then.
  const isKnown = nodes.has(volume.NodeID)
  if (node !== undefined && isKnown && !isPlacedAt({ node }, volume, nodes))
    found.push({ field: 'spec.placement.node', declared: node, actual: volume.NodeID })
  compare('spec.parameters', spec.parameters, { ...volume.Parameters })
  compare(
    'spec.capabilities',
    spec.capabilities &&
      [...new Set(spec.capabilities.map((each) => `${each.accessMode}/${each.attachmentMode}`))].sort(),
    [
      ...new Set(
        (volume.RequestedCapabilities ?? []).map((each) => `${each.AccessMode}/${each.AttachmentMode}`),
      ),
    ].sort(),
  )
  return found
}

/** The capacity to ask for, if the volume has to grow. */
export function expansionOf({ capacity }: HostVolumeSpec, volume: HostVolume): bigint | undefined {
  const min = capacity?.min
  if (min === undefined) return undefined
  // The plugin mkdir reports no capacity, so what was asked for before decides there.
  const held = [volume.CapacityBytes, volume.RequestedCapacityMinBytes].map(BigInt)
  return held.every((bytes) => bytes < min) ? min : undefined
}

function show(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}
