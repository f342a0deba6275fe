import type { OperationError } from '../../lib/errors.ts'
import type { Reason } from '../../lib/reasons/reasons.ts'
import { type StallReason, stallReasonOf } from '../../lib/reasons/reasons.ts'
import type { Int64 } from '../../wire/volume.ts'

/**
 * A condition after the Kubernetes API conventions and kstatus. `Ready`: reality matches the declaration. `Reconciling`:
 * Mooring is working on it. `Stalled`: a person must act.
 */
export interface Condition {
  readonly type: 'Ready' | 'Reconciling' | 'Stalled'
  readonly status: 'True' | 'False' | 'Unknown'
  readonly reason: string
  readonly message: string
  /** When `status` last changed, in milliseconds since the epoch. */
  readonly lastTransitionMs: number
}

/** What Mooring knows about a declaration, beyond its content. */
export interface Status {
  readonly conditions: readonly Condition[]
  readonly pluginID?: string
  /** The ID of the external volume or snapshot. */
  readonly externalID?: string
  /** Capacity of a volume or size of a snapshot; absent while unknown. */
  readonly sizeBytes?: Int64
  /** Snapshot: when it was taken, as its plugin reports. */
  readonly takenAtMs?: number
  /** Schedule: in milliseconds since the epoch. */
  readonly nextRunMs?: number
  readonly lastRunMs?: number
  readonly lastMissedRunMs?: number
  /** Schedule: for each of its snapshots that stays, by key, the rules that keep it. */
  readonly kept?: Readonly<Record<string, readonly string[]>>
  /** Whether Nomad would place an allocation that uses the volume. */
  readonly schedulable?: boolean
  /** How the last restore ended. */
  readonly lastRestore?: PastRestore
  /** Allocations that claim the volume. */
  readonly claims?: readonly string[]
  /** Nomad node of each of these allocations, as far as Mooring has seen it. */
  readonly claimNodes?: Readonly<Record<string, string>>
  /** The plugin's IDs of the attached nodes, by Nomad ID. Nomad forgets them together with the node. */
  readonly externalNodeIDs?: Readonly<Record<string, string>>
  /** Nomad nodes with a claim, or to which the plugin lists the volume as published. */
  readonly attachedNodes?: readonly string[]
  /** Fields that an update would erase: Nomad never shows them, and the declaration does not set them. */
  readonly unreadable?: readonly string[]
  /** The latest steps, newest first. */
  readonly history?: readonly PastStep[]
}

export interface PastRestore {
  readonly snapshotID?: string
  /** The external volume to go back to, if the restore was not from a snapshot. */
  readonly backTo?: string
  /** `NotRestored`: the volume is still the old one. */
  readonly outcome: 'Restored' | 'NotRestored'
  readonly message: string
  readonly atMs: number
}

/** A step that was taken or tried. */
export interface PastStep {
  readonly step: string
  /** Why it was taken. */
  readonly why: string
  readonly atMs: number
  readonly outcome: 'done' | 'failed'
  /** Why it failed. */
  readonly error?: string
  /** How often in a row it ended this way; `atMs` is the last time. */
  readonly times: number
}

const longestHistory = 20

/** Adds a step at the front. A repeated failure is only counted, so that retries do not push older steps out. */
export function addToHistory(history: readonly PastStep[], step: Omit<PastStep, 'times'>): PastStep[] {
  const [newest, ...older] = history
  const isAgain =
    newest !== undefined &&
    step.outcome === 'failed' &&
    newest.outcome === 'failed' &&
    newest.step === step.step &&
    newest.error === step.error
  return isAgain
    ? [{ ...step, times: newest.times + 1 }, ...older]
    : [{ ...step, times: 1 }, ...history].slice(0, longestHistory)
}

/**
 * The state of a declaration:
 * - `ready`: reality matches it;
 * - `working`: a step was taken or is about to be taken;
 * - `waiting`: something else must happen first;
 * - `stalled`: a person must act;
 * - `suspended`: Mooring does nothing, because of an order or because that is safer.
 */
export type Verdict = { readonly message: string } & (
  | { readonly state: 'ready' | 'working' | 'waiting' | 'suspended'; readonly reason: Reason }
  | StalledState
)

/** Why something cannot go on: something else must happen first, or a person must act. */
export type Obstacle = { readonly message: string } & (
  | { readonly state: 'waiting'; readonly reason: Reason }
  | StalledState
)

/** The type lists every reason, so that each has an exit. */
export interface StalledState {
  readonly state: 'stalled'
  readonly reason: StallReason
}

/** What a failed operation means for the state: an error for good needs a person. */
export function obstacleOf({ kind, reason, message }: OperationError): Obstacle {
  return kind === 'permanent'
    ? { state: 'stalled', reason: stallReasonOf(reason), message }
    : { state: 'waiting', reason, message }
}

/** Turns a verdict into conditions. */
export function conditionsOf(verdict: Verdict, previous: readonly Condition[], nowMs: number): Condition[] {
  const ready = verdict.state === 'ready' ? 'True' : verdict.state === 'suspended' ? 'Unknown' : 'False'
  const statuses = {
    Ready: ready,
    Reconciling: verdict.state === 'working' || verdict.state === 'waiting' ? 'True' : 'False',
    Stalled: verdict.state === 'stalled' ? 'True' : 'False',
  } as const
  return (['Ready', 'Reconciling', 'Stalled'] as const).map((type) => {
    const before = previous.find((condition) => condition.type === type)
    const status = statuses[type]
    return {
      type,
      status,
      reason: verdict.reason,
      message: verdict.message,
      lastTransitionMs: before?.status === status ? before.lastTransitionMs : nowMs,
    }
  })
}

/**
 * Combines the conditions of several volumes: each is that of the volume furthest from ready, named in the message.
 * Not ready until every volume has had a pass; empty if none has.
 */
export function summariseConditions(
  parts: readonly { readonly name: string; readonly conditions: readonly Condition[] }[],
): Condition[] {
  return (['Ready', 'Reconciling', 'Stalled'] as const).flatMap((type) => {
    const found = parts.flatMap(({ name, conditions }) =>
      conditions.filter((each) => each.type === type).map((each) => ({ ...each, name })),
    )
    const [worst] = found.sort((one, other) => distance(other) - distance(one))
    if (worst === undefined) return []
    const { name, ...condition } = worst
    if (distance(worst) > 0) return [{ ...condition, message: `${name}: ${condition.message}` }]
    const message = `${found.length} of ${parts.length} volumes have been checked`
    if (found.length === parts.length || type === 'Stalled') return [{ ...condition, message }]
    const status = type === 'Ready' ? 'Unknown' : 'True'
    return [{ ...condition, status, reason: 'New', message }]
  })
}

/** How far a condition is from its desired status: 0 to 2. */
function distance({ type, status }: Condition): number {
  const wish = type === 'Ready' ? 'True' : 'False'
  return status === wish ? 0 : status === 'Unknown' ? 1 : 2
}
