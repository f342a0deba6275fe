import type { Decision } from './decision.ts'
import type { Expiry, RestoreSource, VolumeRecord } from './record.ts'

/** The orders of a person that are stored for one identity, beside its declaration. Passes act by them. */
export interface Orders {
  /** `suspend`: nothing is done until `resume`. Milliseconds since the epoch. */
  readonly suspendedSinceMs?: number
  /** `recreate`: a new external volume may take the place of this one, once this one is found to have vanished. */
  readonly recreate?: { readonly externalID: string; readonly atMs: number }
  /** `restore` or `restoreBack`: what takes the place of this external volume. */
  readonly restore?: RestoreSource & { readonly externalID: string; readonly atMs: number }
  /** `undoRestore`: calls off the restore under way that makes the volume of this name. */
  readonly undoRestore?: { readonly csiName: string; readonly atMs: number }
  /** `keepSnapshot`: retention leaves this snapshot of a schedule alone. Milliseconds since the epoch. */
  readonly keptSinceMs?: number
  /** The snapshot of a schedule goes: no retention rule keeps it, or a person deleted its object. */
  readonly expiry?: Expiry
  /** `detach`: one for each node. */
  readonly detach?: readonly DetachOrder[]
}

/** A person's word that nothing on the node writes to the volume any more. */
export interface DetachOrder {
  /** Nomad's ID of the node, whole. */
  readonly nodeID: string
  /** The allocations that held the volume there when the word was given. It is about no later one. */
  readonly allocations: readonly string[]
  readonly atMs: number
}

/**
 * The decision to do nothing, where the identity is suspended; undefined where it is not.
 * @param ofWhole the orders for the declaration that the identity is an instance of
 */
export function planSuspension(orders: Orders, ofWhole: Orders = {}): Decision | undefined {
  const suspendedSinceMs = orders.suspendedSinceMs ?? ofWhole.suspendedSinceMs
  if (suspendedSinceMs === undefined) return undefined
  const since = new Date(suspendedSinceMs).toISOString()
  return {
    verdict: {
      state: 'suspended',
      reason: 'Suspended',
      message: `suspended by a command at ${since}: nothing is done until mooring resume`,
    },
  }
}

/**
 * Why a volume may not be recreated now; undefined where it may. The order names the lost external volume,
 * so that it is about that one alone.
 */
export function refuseRecreate(record: VolumeRecord, lostExternalID: string): string | undefined {
  const { spec } = record.declaration
  const reason = record.status.conditions.find(({ type }) => type === 'Stalled')
  if (reason?.status !== 'True' || reason.reason !== 'Vanished') {
    return `it has not vanished (${reason?.reason ?? 'New'}): only a volume whose external volume is lost can be recreated`
  }
  if (record.externalID !== lostExternalID) {
    return `its lost external volume is "${record.externalID}", not "${lostExternalID}"`
  }
  if (spec.externalID !== undefined) {
    return `its declaration registers external volume "${spec.externalID}" and creates none: declare another externalID`
  }
  if (spec.name === record.csiName) {
    return `its declaration fixes spec.name "${spec.name}", so the plugin could take the new volume for the lost one: give another name, or none`
  }
  return undefined
}

/**
 * What is stored of a person's word that a node is dead, or why it is refused.
 * @param node the ID of the node, or the beginning of it where no other node of the volume begins so
 */
export function planDetachOrder(record: VolumeRecord, node: string, nowMs: number): DetachOrder | string {
  const { attachedNodes = [], claimNodes = {} } = record.status
  const found = attachedNodes.filter((nodeID) => node !== '' && nodeID.startsWith(node))
  const [nodeID] = found
  if (nodeID === undefined) {
    const known =
      attachedNodes.length === 0
        ? 'it is not known to be attached anywhere'
        : `it is on ${attachedNodes.join(', ')}`
    return `nothing of it is known to be on node "${node}": ${known}`
  }
  if (found.length > 1) return `"${node}" could be any of ${found.join(', ')}: write more of it`
  const allocations = Object.keys(claimNodes).filter((allocation) => claimNodes[allocation] === nodeID)
  return { nodeID, allocations, atMs: nowMs }
}
