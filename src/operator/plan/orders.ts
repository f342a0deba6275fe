import type { Decision } from './decision.ts'
import type { Expiry, RestoreSource, VolumeRecord } from './record.ts'

/** What a person ordered for one identity by a command, beside its declaration. */
export interface Orders {
  /** `mooring suspend`: nothing is done until `mooring resume`. Milliseconds since the epoch. */
  readonly suspendedSinceMs?: number
  /** `mooring recreate`: a new external volume may take the place of this one, once it is found to have vanished. */
  readonly recreate?: { readonly externalID: string; readonly atMs: number }
  /** `mooring restore`: what is to take the place of this external volume. */
  readonly restore?: RestoreSource & { readonly externalID: string; readonly atMs: number }
  /** `mooring restore --undo`: the restore under way that would make the volume of this name is called off. */
  readonly undoRestore?: { readonly csiName: string; readonly atMs: number }
  /** `mooring snapshot keep`: retention leaves this snapshot of a schedule alone. Milliseconds since the epoch. */
  readonly keptSinceMs?: number
  /** The snapshot of a schedule goes: no retention rule keeps it, or a person deleted its object. */
  readonly expiry?: Expiry
  /** `mooring detach --node-is-dead`: one for each node. */
  readonly detach?: readonly DetachOrder[]
}

/** A person's word that nothing on the node writes to the volume any more. */
export interface DetachOrder {
  /** Nomad's ID of the node, whole. */
  readonly nodeID: string
  /** What held the volume there when the word was given: it is good for nothing that came later. */
  readonly allocations: readonly string[]
  readonly atMs: number
}

/**
 * Whether an order holds the identity as it is: undefined if none does.
 * @param ofWhole the orders for the declaration that it is an instance of
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
 * Why a volume may not be recreated now: undefined if it may. The order names the lost external volume,
 * so that it holds for that one alone.
 */
export function refuseRecreate(record: VolumeRecord, lostExternalID: string): string | undefined {
  const { spec } = record.declaration
  const reason = record.status.conditions.find(({ type }) => type === 'Stalled')
  if (reason?.status !== 'True' || reason.reason !== 'Vanished') {
    return `it has not vanished (${reason?.reason ?? 'New'}): only a volume whose external volume is lost is created anew`
  }
  if (record.externalID !== lostExternalID) {
    return `its lost external volume is "${record.externalID}", not "${lostExternalID}"`
  }
  if (spec.externalID !== undefined) {
    return `its declaration registers external volume "${spec.externalID}" and creates none: declare another externalID`
  }
  if (spec.name === record.csiName) {
    return `its declaration fixes spec.name "${spec.name}", by which the plugin could take the new volume for the lost one: give another name, or none`
  }
  return undefined
}

/**
 * The order that a person's word comes to, or why it makes no sense.
 * @param node the ID of the node, or its beginning where no other node begins so
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
