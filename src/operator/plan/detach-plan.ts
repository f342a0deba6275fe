import { shellCommand } from '../../lib/shell-command.ts'
import type { VolumeSpec } from '../declare/volume.ts'
import type { Decision } from './decision.ts'
import type { DetachOrder } from './orders.ts'
import type { DetachTry } from './record.ts'
import type { Verdict } from './status.ts'

/** One allocation's hold on the volume, as far as it can be known from afar. */
export interface ClaimObservation {
  readonly allocationID: string
  /** undefined: the allocation is gone, and where it ran was never seen. */
  readonly nodeID: string | undefined
  /** As Nomad gives it; undefined: Nomad has no such allocation any more. */
  readonly clientStatus: string | undefined
}

export interface DetachObservation {
  readonly claims: readonly ClaimObservation[]
  /** Nodes to which the plugin lists the volume as published, by Nomad's IDs. */
  readonly publishedNodes: readonly string[]
  /** The status of every node that Nomad has, by ID; undefined: nobody asked, which proves nothing. */
  readonly nodes: ReadonlyMap<string, string> | undefined
  /** What a person gave their word for. */
  readonly orders: readonly DetachOrder[]
}

export type DetachPlan =
  | { readonly type: 'none' }
  /**
   * `claims`: the allocations that hold the volume there, all proven dead. `restLives`: whether every other
   * claim of the volume lives.
   */
  | {
      readonly type: 'detach'
      readonly nodeID: string
      readonly claims: readonly string[]
      readonly restLives: boolean
      readonly proof: string
      /** The node lives, and is about to unmount by itself what ended there. */
      readonly mayUnmountYet: boolean
    }
  /** The word was good for what is not there any more. */
  | { readonly type: 'forget-order'; readonly nodeID: string }
  /** Something is to be detached, and cannot be now. */
  | { readonly type: 'held'; readonly verdict: Verdict; readonly againAfterMs: number }

/** What a claim or an attachment comes to, judged by what is known of its allocation and its node. */
type Judgement =
  | { readonly is: 'living' }
  | { readonly is: 'dead'; readonly proof: string }
  | { readonly is: 'unproven'; readonly why: string; readonly needsWord: boolean }

const pollMs = 30_000
const firstRetryMs = 30_000
const longestRetryMs = 600_000

/**
 * Decides whether the volume is taken off a node. The proofs: an allocation that is gone, or that its own
 * client reported as `complete` or `failed`, on a node that is `ready` or that Nomad forgot. What a server
 * says of a client that it does not hear (`lost`, `unknown`, a node that is `down` or `disconnected`) is a
 * guess, and takes the word of a person. Beside a living claim nothing is detached, whoever says so.
 * @param title of the volume, as the command takes it
 */
export function planDetach(
  detach: VolumeSpec['detach'],
  title: string,
  observation: DetachObservation,
  tries: Readonly<Record<string, DetachTry>>,
  nowMs: number,
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
    return planNode({ nodeID, isUp, here, restLives }, judgements, title, tries[nodeID], nowMs)
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
  title: string,
  tried: DetachTry | undefined,
  nowMs: number,
): DetachPlan {
  // It is used there: that something else of it is dead is for when it no longer is.
  if (judgements.some(({ is }) => is === 'living')) return { type: 'none' }
  const unproven = judgements.flatMap((each) => (each.is === 'unproven' ? [each] : []))
  if (unproven.length > 0) {
    const why = unproven.map((each) => each.why).join('; ')
    if (unproven.some(({ needsWord }) => !needsWord))
      return hold('waiting', 'DetachNotProven', `node ${nodeID} is not detached: ${why}`)
    return hold(
      'stalled',
      'DetachNeedsWord',
      `node ${nodeID} is not detached: ${why}, and a writer may live there still. ` +
        `Make sure that nothing on it writes any more, then: ${shellCommand('mooring', 'detach', title, '--node-is-dead', nodeID)}`,
    )
  }
  const waitMs = tried === undefined ? 0 : tried.lastMs + retryAfterMs(tried.times) - nowMs
  if (tried !== undefined && waitMs > 0) {
    const often = tried.times === 1 ? 'once' : `${tried.times} times`
    return hold(
      'waiting',
      'DetachFailed',
      `node ${nodeID} is to be detached and was tried ${often}: ${tried.outcome}`,
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
      const guess = `allocation ${allocationID} is ${clientStatus}, by the servers' word alone`
      return order?.allocations.includes(allocationID)
        ? { is: 'dead', proof: `${guess}; ${wordOf(order)}` }
        : { is: 'unproven', why: guess, needsWord: true }
    }
    default:
      return { is: 'living' }
  }
}

/** An attachment that nothing claims any more. */
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
  const seen = `${ended} and node ${nodeID} is ${node ?? 'not looked at'}`
  if (node === 'ready' || node === garbageCollected) return { is: 'dead', proof: seen }
  if (order !== undefined) return { is: 'dead', proof: `${seen}; ${wordOf(order)}` }
  const isBack = node === undefined || node === 'initializing'
  return { is: 'unproven', why: seen, needsWord: !isBack }
}

const garbageCollected = 'no longer known'

/** A list without any node is no list of a cluster: nothing follows from what it lacks. */
function nodeStatus(nodes: ReadonlyMap<string, string> | undefined, nodeID: string): string | undefined {
  return nodes === undefined || nodes.size === 0 ? undefined : (nodes.get(nodeID) ?? garbageCollected)
}

function wordOf({ atMs }: DetachOrder): string {
  return `a person gave their word at ${new Date(atMs).toISOString()} that the node is dead`
}

function holdUnplaced(claims: readonly ClaimObservation[]): DetachPlan {
  const ids = claims.map(({ allocationID }) => allocationID).join(', ')
  return hold(
    'waiting',
    'DetachNodeUnknown',
    `allocation ${ids} is gone and holds the volume still, and where it ran was never seen: Nomad frees such a claim by itself, within minutes or after the next write of a CSI volume`,
  )
}

function hold(
  state: 'waiting' | 'stalled',
  reason: string,
  message: string,
  againAfterMs: number = pollMs,
): DetachPlan {
  return { type: 'held', verdict: { state, reason, message }, againAfterMs }
}

/** 30 s doubling to 10 min. */
function retryAfterMs(times: number): number {
  return Math.min(firstRetryMs * 2 ** (times - 1), longestRetryMs)
}

/** How soon a volume in use is looked at again: no event tells that an allocation ended. */
const claimPollMs = 60_000

/**
 * The decision for the volume with what is to be detached. A detach goes first, since it waits by itself
 * after one that did not help; what cannot be done now holds up nothing else.
 * @param looksForStale whether claims are there that may become stale
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
          message: `nothing is left on node ${plan.nodeID} of what the word of a person was good for; it is not kept`,
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
