import { errorMessage } from '../../lib/errors.ts'
import { advise } from '../../lib/reasons/explanation.ts'
import { reasons } from '../../lib/reasons/reasons.ts'
import type { Plugin } from '../../wire/plugin.ts'
import type { ExternalVolume, Volume } from '../../wire/volume.ts'
import type { VolumeDeclaration } from '../declare/declaration.ts'
import { claimsOf } from '../plan/claims.ts'
import { type ClaimObservation, type DetachPlan, type HowToConfirm, planDetach } from '../plan/detach-plan.ts'
import { nodeIsDeadValue } from '../plan/orders.ts'
import type { VolumeRecord } from '../plan/record.ts'
import { refuseShared } from '../plan/shared-external.ts'
import type { GatherContext } from './context.ts'
import { sharersOf } from './sharers.ts'

/** What a pass already knows about where the volume is attached. */
export interface Attachment {
  readonly volume: Volume
  readonly plugin: Plugin | undefined
  /** As its plugin lists it, if the list was read. */
  readonly listed: ExternalVolume | undefined
}

/** Whether to look for stale claims of the volume. */
export function looksForStale({ declaration }: VolumeRecord, volume: Volume | undefined): boolean {
  return (
    volume !== undefined &&
    (declaration.spec.detach?.policy === 'Stale' || (declaration.spec.detach?.nodes ?? []).length > 0) &&
    claimsOf(volume).length > 0
  )
}

/**
 * Decides whether to detach the volume from a node. Reads only what the decision needs, and nodes only if a claim may be
 * dead. Before it answers `detach` it reads everything again, because cached data proves nothing. Never rejects: a failed
 * read only delays the detach.
 */
export async function gatherDetach(
  context: GatherContext,
  record: VolumeRecord,
  attachment: Attachment,
): Promise<DetachPlan> {
  const { observer, inventory } = context
  const { spec } = record.declaration
  const orders = inventory.orders(record.key).detach ?? []
  const { policy = 'Never', nodes = [] } = spec.detach ?? {}
  if (spec.suspend || (policy === 'Never' && nodes.length + orders.length === 0)) return { type: 'none' }
  // Nomad's volume is another one.
  if (attachment.volume.ExternalID !== record.externalID) return { type: 'none' }
  try {
    const first = await look(attachment, false)
    if (first.type !== 'detach') return first
    const shared = refuseShared(
      attachment.volume.ExternalID,
      await sharersOf(context, record),
      `detaching node ${first.nodeID} is refused`,
      advise(reasons.SharedExternalID.person.detachOutside()),
    )
    if (shared !== undefined) return { type: 'held', verdict: shared, againAfterMs: 30_000 }
    observer.invalidate({
      volume: spec,
      allocationsIn: spec.namespace,
      nodes: true,
      ...(attachment.listed === undefined ? {} : { pluginID: spec.pluginID }),
    })
    const volume = await observer.volume(spec.namespace, spec.volumeID)
    if (volume?.ExternalID !== record.externalID) return { type: 'none' }
    const listed =
      attachment.listed && (await observer.externalVolumes(spec.pluginID)).get(attachment.listed.ExternalID)
    return await look({ ...attachment, volume, listed }, true)
  } catch (error) {
    const message = `cannot read where the volume is attached, so no node is detached: ${errorMessage(error)}`
    return {
      type: 'held',
      verdict: { state: 'waiting', reason: 'ClaimsUnknown', message },
      againAfterMs: 30_000,
    }
  }

  async function look({ volume, plugin, listed }: Attachment, isFresh: boolean): Promise<DetachPlan> {
    const publishedNodes = publishedTo(listed, plugin)
    const ids = claimsOf(volume)
    const claims = ids.length === 0 ? [] : await observeClaims(volume, isFresh)
    const isUnclaimed = (nodeID: string) => !claims.some((claim) => claim.nodeID === nodeID)
    const mayBeDead =
      claims.some(({ clientStatus }) => clientStatus !== 'running' && clientStatus !== 'pending') ||
      publishedNodes.some((nodeID) => nodes.includes(nodeID) && isUnclaimed(nodeID)) ||
      orders.length > 0
    if (!mayBeDead) return { type: 'none' }
    return planDetach(
      spec.detach,
      howToConfirm(record.declaration),
      { claims, publishedNodes, nodes: await nodeStatuses(), orders },
      record.detachTries ?? {},
      context.time(),
    )
  }

  async function nodeStatuses(): Promise<ReadonlyMap<string, string>> {
    return new Map([...(await observer.nodes())].map(([nodeID, { Status }]) => [nodeID, Status]))
  }

  /** From the list of allocations, and with `isFresh` from the volume itself as well. */
  async function observeClaims(volume: Volume, isFresh: boolean): Promise<ClaimObservation[]> {
    const listed = await observer.allocations(spec.namespace)
    const places = claimNodesOf(volume, record)
    return claimsOf(volume).map((allocationID) => {
      const inList = listed.get(allocationID)
      const withVolume = volume.Allocations?.find(({ ID }) => ID === allocationID)
      return {
        allocationID,
        nodeID: inList?.NodeID ?? places[allocationID],
        clientStatus: isFresh
          ? livelier(inList?.ClientStatus, withVolume?.ClientStatus)
          : inList?.ClientStatus,
      }
    })
  }
}

/** The command, and for an object of Kubernetes the annotation too. */
function howToConfirm({ place, spec }: VolumeDeclaration): HowToConfirm {
  return (nodeID, allocations) => {
    const { confirm, confirmOrAnnotate } = reasons.DetachNeedsWord.person
    const nodeIsDead = nodeIsDeadValue(nodeID, allocations)
    const names = { target: `${spec.namespace}/${spec.volumeID}`, nodeID, nodeIsDead }
    return advise(place.object === undefined ? confirm(names) : confirmOrAnnotate(names))
  }
}

/** Of two statuses of one allocation, the one further from its end. */
function livelier(one: string | undefined, other: string | undefined): string | undefined {
  const dead = [undefined, 'complete', 'failed', 'lost', 'unknown']
  return dead.indexOf(one) === -1 || (dead.indexOf(other) !== -1 && dead.indexOf(one) > dead.indexOf(other))
    ? one
    : other
}

/** Node of each claim. The status remembers it after Nomad forgets the allocation. */
export function claimNodesOf(volume: Volume, { status }: VolumeRecord): Record<string, string> {
  const seen = new Map((volume.Allocations ?? []).map(({ ID, NodeID }) => [ID, NodeID]))
  return Object.fromEntries(
    claimsOf(volume).flatMap((id) => {
      const nodeID = seen.get(id) ?? status.claimNodes?.[id]
      return nodeID === undefined ? [] : [[id, nodeID]]
    }),
  )
}

/** Nomad IDs of the nodes to which the plugin lists the volume as published. */
export function publishedTo(listed: ExternalVolume | undefined, plugin: Plugin | undefined): string[] {
  const external = new Set(listed?.PublishedExternalNodeIDs ?? [])
  return Object.entries(plugin?.Nodes ?? {}).flatMap(([nodeID, { NodeInfo }]) =>
    NodeInfo != null && external.has(NodeInfo.ID) ? [nodeID] : [],
  )
}
