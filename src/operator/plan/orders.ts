import type { Reason } from '../../lib/reasons/reasons.ts'
import type { Decision } from './decision.ts'
import type { ClockReading } from './now.ts'
import type { Expiry, HostVolumeRecord, InventoryRecord, RestoreSource, VolumeRecord } from './record.ts'

/** Orders that people gave for one identity, in addition to its declaration. */
export interface Orders {
  /** `suspend`: do nothing until `resume`. Milliseconds since the epoch. */
  readonly suspendedSinceMs?: number
  /** `recreate`: if this external volume has vanished, create a new one. */
  readonly recreate?: { readonly externalID: string; readonly atMs: number }
  /** `restore` or `restoreBack`: replace this external volume with the source. */
  readonly restore?: RestoreSource & { readonly externalID: string; readonly atMs: number }
  /** `undoRestore`: cancel the restore that makes the volume of this name. */
  readonly undoRestore?: { readonly csiName: string; readonly atMs: number }
  /** `keepSnapshot`: retention must not delete this snapshot. Milliseconds since the epoch. */
  readonly keptSinceMs?: number
  /** Ends a schedule's snapshot: no retention rule keeps it, or a person deleted its object. */
  readonly expiry?: Expiry
  /** `confirmRemoval`: a person removed the declaration. For the absence that began then, and for no later one. */
  readonly removal?: { readonly sinceMs: number }
  /** `cancelEnd`: what would end is released and stays. For the absence that began then, and for no later one. */
  readonly cancelledEnd?: { readonly sinceMs: number }
  /** `trustClock`: the reading of the clock that a person confirmed, for a schedule. */
  readonly trustedClock?: ClockReading
  /** `detach`: one for each node. */
  readonly detach?: readonly DetachOrder[]
  /** The orders that were taken, newest first. */
  readonly given?: readonly GivenOrder[]
}

/** Who gave an order, as far as that is known. */
export interface OrderGiver {
  /** Such as `command` or `annotation mooring.dev/restore-from`. */
  readonly via: string
  /** The user that the command says it runs as, or the field manager that wrote the annotation. Nobody has proved it. */
  readonly user?: string
}

/** An order that was taken. */
export interface GivenOrder {
  readonly type: string
  /** What it does, as the person was told; the beginning of a long text. */
  readonly message: string
  readonly by?: OrderGiver
  readonly atMs: number
}

const mostGiven = 10
/** A run of a schedule names each of its snapshots, and a Nomad Variable takes 64 KiB in all. */
const longestMessage = 400

/** Adds an order to those that were taken. */
export function withGiven(orders: Orders, order: GivenOrder): Orders {
  const { message } = order
  const kept = message.length > longestMessage ? `${message.slice(0, longestMessage)}…` : message
  return { ...orders, given: [{ ...order, message: kept }, ...(orders.given ?? [])].slice(0, mostGiven) }
}

/** A person's confirmation that nothing on the node writes to the volume any more. */
export interface DetachOrder {
  /** The node's full ID in Nomad. */
  readonly nodeID: string
  /** Allocations that claimed the volume there at the time. The order does not cover later ones. */
  readonly allocations: readonly string[]
  readonly atMs: number
}

/**
 * The decision for a suspended identity; undefined if it is not suspended.
 * @param ofWhole orders for the perAlloc declaration that it is an instance of
 */
export function planSuspension(orders: Orders, ofWhole: Orders = {}): Decision | undefined {
  const suspendedSinceMs = orders.suspendedSinceMs ?? ofWhole.suspendedSinceMs
  if (suspendedSinceMs === undefined) return undefined
  const since = new Date(suspendedSinceMs).toISOString()
  return {
    verdict: {
      state: 'suspended',
      reason: 'Suspended',
      message: `suspended by an order at ${since}; nothing is done until you run mooring resume`,
    },
  }
}

/** The reasons for which something may be recreated. */
export const lostReasons: readonly string[] = ['Vanished', 'HostVolumeVanished'] satisfies Reason[]

/** Whether a person cancelled the end that this record has now. It is then finished as by deletionPolicy Retain. */
export function isEndCancelled({ missing }: InventoryRecord, { cancelledEnd }: Orders): boolean {
  return missing !== undefined && missing.sinceMs === cancelledEnd?.sinceMs
}

/**
 * Why a volume may not be recreated now; undefined if it may.
 * @param lostExternalID the external volume that the order names
 */
export function refuseRecreate(
  record: VolumeRecord | HostVolumeRecord,
  lostExternalID: string,
): string | undefined {
  const reason = record.status.conditions.find(({ type }) => type === 'Stalled')
  if (reason?.status !== 'True' || !lostReasons.includes(reason.reason)) {
    return `it has not vanished (its state is ${reason?.reason ?? 'New'}); only a volume whose external volume is lost can be recreated`
  }
  if (record.externalID !== lostExternalID) {
    return `its lost external volume is "${record.externalID}", not "${lostExternalID}"`
  }
  if (record.kind === 'HostVolume') return undefined
  const { spec } = record.declaration
  if (spec.externalID !== undefined) {
    return `its declaration registers external volume "${spec.externalID}", so Mooring creates none; declare another spec.externalID`
  }
  if (spec.name === record.csiName) {
    return `its declaration sets spec.name "${spec.name}", so the plugin could take the new volume for the lost one; change spec.name or remove it`
  }
  return undefined
}

/**
 * The order for `mooring detach --node-is-dead`, or why it is refused.
 * @param node the node's ID, or a beginning that no other attached node has
 * @param named the allocations that the person means; undefined: all that claim the volume there now
 */
export function planDetachOrder(
  record: VolumeRecord,
  node: string,
  nowMs: number,
  named?: readonly string[],
): DetachOrder | string {
  const { attachedNodes = [], claimNodes = {} } = record.status
  const found = attachedNodes.filter((nodeID) => node !== '' && nodeID.startsWith(node))
  const [nodeID] = found
  if (nodeID === undefined) {
    const known =
      attachedNodes.length === 0
        ? 'it is not attached anywhere'
        : `it is attached to ${attachedNodes.join(', ')}`
    return `it is not attached to node "${node}", as far as Mooring knows: ${known}`
  }
  if (found.length > 1) return `"${node}" matches several nodes (${found.join(', ')}); give more of the ID`
  const allocations = Object.keys(claimNodes).filter((allocation) => claimNodes[allocation] === nodeID)
  if (named !== undefined && !isSameSet(named, allocations)) {
    const now =
      allocations.length === 0
        ? 'no allocation claims it there'
        : `it is claimed there by ${allocations.join(', ')}`
    return `the confirmation names ${named.length === 0 ? 'no allocation' : named.join(', ')}, and ${now}; if nothing of that writes any more, write ${nodeIsDeadValue(nodeID, allocations)}`
  }
  return { nodeID, allocations, atMs: nowMs }
}

/**
 * The value of `mooring.dev/node-is-dead` for these allocations. It names them, so that a value that stands in a manifest
 * confirms nothing of later ones.
 */
export function nodeIsDeadValue(nodeID: string, allocations: readonly string[]): string {
  return allocations.length === 0 ? nodeID : `${nodeID}@${allocations.join(',')}`
}

function isSameSet(some: readonly string[], others: readonly string[]): boolean {
  const all = new Set(others)
  return new Set(some).size === all.size && some.every((each) => all.has(each))
}
