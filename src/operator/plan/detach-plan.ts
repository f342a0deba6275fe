import { advise } from '../../lib/reasons/explanation.ts'
import { reasons } from '../../lib/reasons/reasons.ts'
import type { VolumeSpec } from '../declare/volume.ts'
import type { Decision } from './decision.ts'
import { type Now, passedMs } from './now.ts'
import type { DetachOrder } from './orders.ts'
import type { DetachTry } from './record.ts'
import type { Obstacle } from './status.ts'

/** What Nomad knows about one allocation that claims the volume. */
export interface ClaimObservation {
  readonly allocationID: string
  /** undefined: Nomad has forgotten the allocation, and Mooring never saw its node. */
  readonly nodeID: string | undefined
  /** As Nomad reports it; undefined: Nomad has forgotten the allocation. */
  readonly clientStatus: string | undefined
}

export interface DetachObservation {
  readonly claims: readonly ClaimObservation[]
  /** Nomad IDs of the nodes to which the plugin lists the volume as published. */
  readonly publishedNodes: readonly string[]
  /** Status of every node in Nomad, by ID; undefined: not read, so it proves nothing. */
  readonly nodes: ReadonlyMap<string, string> | undefined
  /** Nodes that a person confirmed to be dead. */
  readonly orders: readonly DetachOrder[]
}

export type HowToConfirm = (nodeID: string, allocations: readonly string[]) => string

export type DetachPlan =
  | { readonly type: 'none' }
  /** `claims`: allocations that claim the volume on the node, all proven dead. `restLives`: all other claims live. */
  | {
      readonly type: 'detach'
      readonly nodeID: string
      readonly claims: readonly string[]
      readonly restLives: boolean
      readonly proof: string
      /** The node is ready and may still unmount the volume by itself. */
      readonly mayUnmountYet: boolean
    }
  /** The order's allocations no longer claim the volume. */
  | { readonly type: 'forget-order'; readonly nodeID: string }
  /** A node should be detached, but cannot be now. */
  | { readonly type: 'held'; readonly verdict: Obstacle; readonly againAfterMs: number }

/** Whether a claim or an attachment may still be written through. */
type Judgement =
  | { readonly is: 'living' }
  | { readonly is: 'dead'; readonly proof: string }
  | { readonly is: 'unproven'; readonly why: string; readonly needsConfirmation: boolean }

const pollMs = 30_000
const firstRetryMs = 30_000
const longestRetryMs = 600_000

/**
 * Decides whether to detach the volume from a node. Proof that nothing writes there: Nomad has forgotten the allocation,
 * or its client reported `complete` or `failed`; and the node is `ready`, or Nomad has forgotten it. A status that the
 * servers guess because the client is silent (`lost`, `unknown`, `down`, `disconnected`) is no proof: a person must
 * confirm it. A node with a living claim is never detached, even if a person ordered it.
 * @param howToConfirm what a person writes or runs to confirm that nothing of these allocations on the node writes
 */
export function planDetach(
  detach: VolumeSpec['detach'],
  howToConfirm: HowToConfirm,
  observation: DetachObservation,
  tries: Readonly<Record<string, DetachTry>>,
  now: Now,
): DetachPlan {
  const { claims, publishedNodes, orders } = observation
  const isStale = detach?.policy === 'Stale'
  const places = new Set([
    ...orders.map(({ nodeID }) => nodeID),
    ...(isStale ? claims.flatMap(({ nodeID }) => (nodeID === undefined ? [] : [nodeID])) : []),
    ...(detach?.nodes ?? []),
  ])
  const plans = [...places].sort().map((nodeID): DetachPlan => {
    const order = orders.find((each) => each.nodeID === nodeID)
    const here = claims.filter((claim) => claim.nodeID === nodeID)
    const isPublished = publishedNodes.includes(nodeID)
    const isCovered = here.some(({ allocationID }) => order?.allocations.includes(allocationID))
    if (order !== undefined && !isCovered && (here.length > 0 || !isPublished))
      return { type: 'forget-order', nodeID }
    if (here.length === 0 && !isPublished) return { type: 'none' }
    const judgements =
      here.length === 0
        ? [judgeAttachment(nodeID, observation, order)]
        : here.map((claim) => judgeClaim(claim, nodeID, observation, order))
    const isUp = nodeStatus(observation.nodes, nodeID) === 'ready'
    const restLives = claims.every((claim) => here.includes(claim) || isLiving(claim))
    return planNode({ nodeID, isUp, here, restLives }, judgements, howToConfirm, tries[nodeID], now)
  })
  const unplaced = claims.filter(({ nodeID }) => nodeID === undefined)
  if (isStale && unplaced.length > 0) plans.push(holdUnplaced(unplaced))
  return (
    plans.find(({ type }) => type === 'detach') ??
    plans.find(({ type }) => type === 'forget-order') ??
    plans.find((plan) => plan.type === 'held' && plan.verdict.state === 'stalled') ??
    plans.find(({ type }) => type === 'held') ?? { type: 'none' }
  )
}

function planNode(
  {
    nodeID,
    isUp,
    here,
    restLives,
  }: {
    readonly nodeID: string
    readonly isUp: boolean
    readonly here: readonly ClaimObservation[]
    readonly restLives: boolean
  },
  judgements: readonly Judgement[],
  howToConfirm: HowToConfirm,
  tried: DetachTry | undefined,
  now: Now,
): DetachPlan {
  // The volume is in use on this node, so its dead claims wait.
  if (judgements.some(({ is }) => is === 'living')) return { type: 'none' }
  const unproven = judgements.flatMap((each) => (each.is === 'unproven' ? [each] : []))
  if (unproven.length > 0) {
    const why = unproven.map((each) => each.why).join('; ')
    if (unproven.some(({ needsConfirmation }) => !needsConfirmation))
      return hold({
        state: 'waiting',
        reason: 'DetachNotProven',
        message: `node ${nodeID} is not detached: ${why}`,
      })
    return hold({
      state: 'stalled',
      reason: 'DetachNeedsWord',
      message:
        `node ${nodeID} is not detached: ${why}, so something on it may still write. ` +
        howToConfirm(
          nodeID,
          here.map(({ allocationID }) => allocationID),
        ),
    })
  }
  const waitMs = tried === undefined ? 0 : retryAfterMs(tried.times) - passedMs(now, tried.last)
  if (tried !== undefined && waitMs > 0) {
    const often = tried.times === 1 ? 'once' : `${tried.times} times`
    return hold(
      {
        state: 'waiting',
        reason: 'DetachFailed',
        message: `detaching node ${nodeID} failed ${often} and will be retried: ${tried.outcome}`,
      },
      Math.min(waitMs, pollMs),
    )
  }
  const proof = judgements.flatMap((each) => (each.is === 'dead' ? [each.proof] : [])).join('; ')
  const claims = here.map(({ allocationID }) => allocationID)
  return { type: 'detach', nodeID, claims, proof, restLives, mayUnmountYet: isUp && claims.length > 0 }
}

const deadStatuses: readonly (string | undefined)[] = [undefined, 'complete', 'failed', 'lost', 'unknown']

function isLiving({ clientStatus }: ClaimObservation): boolean {
  return !deadStatuses.includes(clientStatus)
}

function judgeClaim(
  { allocationID, clientStatus }: ClaimObservation,
  nodeID: string,
  { nodes }: DetachObservation,
  order: DetachOrder | undefined,
): Judgement {
  const node = nodeStatus(nodes, nodeID)
  switch (clientStatus) {
    case undefined:
    case 'complete':
    case 'failed': {
      const ended = `allocation ${allocationID} is ${clientStatus ?? 'gone'}`
      return judgeNode(node, ended, nodeID, order?.allocations.includes(allocationID) ? order : undefined)
    }
    case 'lost':
    case 'unknown': {
      const guess = `allocation ${allocationID} is ${clientStatus}, which Nomad's servers only guess`
      return order?.allocations.includes(allocationID)
        ? { is: 'dead', proof: `${guess}; ${confirmationOf(order)}` }
        : { is: 'unproven', why: guess, needsConfirmation: true }
    }
    default:
      return { is: 'living' }
  }
}

/** Judges an attachment that no allocation claims. */
function judgeAttachment(
  nodeID: string,
  { nodes }: DetachObservation,
  order: DetachOrder | undefined,
): Judgement {
  return judgeNode(nodeStatus(nodes, nodeID), 'no allocation claims it there', nodeID, order)
}

function judgeNode(
  node: string | undefined,
  ended: string,
  nodeID: string,
  order: DetachOrder | undefined,
): Judgement {
  const seen = `${ended} and node ${nodeID} is ${node ?? 'not known to be alive or dead'}`
  if (node === 'ready' || node === garbageCollected) return { is: 'dead', proof: seen }
  if (order !== undefined) return { is: 'dead', proof: `${seen}; ${confirmationOf(order)}` }
  const isBack = node === undefined || node === 'initializing'
  return { is: 'unproven', why: seen, needsConfirmation: !isBack }
}

const garbageCollected = 'no longer known'

/** An empty list of nodes proves nothing: every cluster has nodes. */
function nodeStatus(nodes: ReadonlyMap<string, string> | undefined, nodeID: string): string | undefined {
  return nodes === undefined || nodes.size === 0 ? undefined : (nodes.get(nodeID) ?? garbageCollected)
}

function confirmationOf({ atMs }: DetachOrder): string {
  return `a person confirmed at ${new Date(atMs).toISOString()} that the node is dead`
}

function holdUnplaced(claims: readonly ClaimObservation[]): DetachPlan {
  const ids = claims.map(({ allocationID }) => allocationID).join(', ')
  return hold({
    state: 'waiting',
    reason: 'DetachNodeUnknown',
    message: `allocation ${ids} no longer exists but still claims the volume, and Mooring does not know its node. ${advise(reasons.DetachNodeUnknown.person.wait())}`,
  })
}

function hold(verdict: Obstacle, againAfterMs: number = pollMs): DetachPlan {
  return { type: 'held', verdict, againAfterMs }
}

/** 30 s doubling to 10 min. */
function retryAfterMs(times: number): number {
  return Math.min(firstRetryMs * 2 ** (times - 1), longestRetryMs)
}

/** How often to check a volume in use: no event reports the end of an allocation. */
const claimPollMs = 60_000

/**
 * Combines the decision for the volume with the detach. A detach that can be done goes first: after a failure it waits
 * longer each time. A detach that cannot be done now blocks nothing else.
 * @param looksForStale whether the volume has claims that may become stale
 */
export function withDetach(decision: Decision, plan: DetachPlan, looksForStale: boolean): Decision {
  const { verdict } = decision
  if (verdict.state === 'suspended') return decision
  switch (plan.type) {
    case 'none':
      return looksForStale && decision.step === undefined
        ? { ...decision, againAfterMs: Math.min(decision.againAfterMs ?? claimPollMs, claimPollMs) }
        : decision
    case 'detach':
      return {
        step: 'detach-node',
        verdict: {
          state: 'working',
          reason: 'Detaching',
          message: `detaching node ${plan.nodeID}: ${plan.proof}`,
        },
      }
    case 'forget-order':
      return {
        step: 'forget-detach-order',
        verdict: {
          state: 'working',
          reason: 'Detached',
          message: `the allocations that a person confirmed to be dead on node ${plan.nodeID} no longer claim the volume; removing the order`,
        },
      }
    case 'held': {
      if (decision.step !== undefined) return decision
      const againAfterMs = Math.min(decision.againAfterMs ?? plan.againAfterMs, plan.againAfterMs)
      return verdict.state === 'ready'
        ? { ...decision, verdict: plan.verdict, againAfterMs }
        : {
            ...decision,
            verdict: { ...verdict, message: `${verdict.message}; ${plan.verdict.message}` },
            againAfterMs,
          }
    }
  }
}
