import type { Int64 } from '../../wire/volume.ts'

/**
 * A condition as Kubernetes API conventions and kstatus have them: `Ready` says whether the declaration
 * holds, `Reconciling` that work goes on, `Stalled` that a person must act.
 */
export interface Condition {
  readonly type: 'Ready' | 'Reconciling' | 'Stalled'
  readonly status: 'True' | 'False' | 'Unknown'
  readonly reason: string
  readonly message: string
  /** Milliseconds since the epoch; moves only when `status` moves. */
  readonly lastTransitionMs: number
}

/** What is known of a declaration, beyond what it says itself. */
export interface Status {
  readonly conditions: readonly Condition[]
  readonly pluginID?: string
  /** The external volume's ID, or the snapshot's. */
  readonly externalID?: string
  /** Capacity of a volume or size of a snapshot; absent while unknown. */
  readonly sizeBytes?: Int64
  /** Of a snapshot: when it was taken, as its plugin says. */
  readonly takenAtMs?: number
  /** Of a schedule, in milliseconds since the epoch. */
  readonly nextRunMs?: number
  readonly lastRunMs?: number
  readonly lastMissedRunMs?: number
  /** Of a schedule: for each snapshot of its own that stays, by key, the rules that keep it. */
  readonly kept?: Readonly<Record<string, readonly string[]>>
  /** Whether Nomad would place an allocation that uses the volume. */
  readonly schedulable?: boolean
  /** How the last restore ended. */
  readonly lastRestore?: PastRestore
  /** Allocations that hold the volume. */
  readonly claims?: readonly string[]
  /** For each of them whose node was ever seen, the Nomad node that it is on. */
  readonly claimNodes?: Readonly<Record<string, string>>
  /** Of those nodes, by Nomad's ID, the plugin's own: Nomad forgets it with the node. */
  readonly externalNodeIDs?: Readonly<Record<string, string>>
  /** Nomad nodes where a claim is, or to which the plugin lists the volume as published. */
  readonly attachedNodes?: readonly string[]
  /** Fields that an update of the volume would wipe: Nomad never shows them, and the declaration does not give them. */
  readonly unreadable?: readonly string[]
  /** The latest steps, newest first. */
  readonly history?: readonly PastStep[]
}

export interface PastRestore {
  readonly snapshotID?: string
  /** The external volume that was to be gone back to, where it was not one made from a snapshot. */
  readonly backTo?: string
  /** `NotRestored`: the volume is the one that it was before. */
  readonly outcome: 'Restored' | 'NotRestored'
  /** As a person reads it. */
  readonly message: string
  readonly atMs: number
}

/** A step that was taken, or tried. */
export interface PastStep {
  readonly step: string
  /** Why it was taken, as a person reads it. */
  readonly why: string
  readonly atMs: number
  readonly outcome: 'done' | 'failed'
  /** Why it failed. */
  readonly error?: string
  /** How often in a row it ended so; `atMs` is of the last time. */
  readonly times: number
}

const longestHistory = 20

/** Puts a step on top; one that fails again as it did before is counted, so that retries push nothing out. */
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
 * Where a declaration stands:
 * - `ready`: it holds;
 * - `working`: a step was taken or is about to be;
 * - `waiting`: something else has to come first;
 * - `stalled`: only a person can go on;
 * - `suspended`: a person asked for nothing to be done.
 */
export interface Verdict {
  readonly state: 'ready' | 'working' | 'waiting' | 'stalled' | 'suspended'
  readonly reason: string
  readonly message: string
}

/** The one place that turns a verdict into conditions. */
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
 * The conditions of several volumes as those of one: each as that of the volume that is furthest from ready,
 * which the message names. Not ready while one was not looked at; empty where none was.
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
    const message = `${found.length} of ${parts.length} volumes were looked at`
    if (found.length === parts.length || type === 'Stalled') return [{ ...condition, message }]
    const status = type === 'Ready' ? 'Unknown' : 'True'
    return [{ ...condition, status, reason: 'New', message }]
  })
}

/** How far a condition is from what one wishes. */
function distance({ type, status }: Condition): number {
  const wish = type === 'Ready' ? 'True' : 'False'
  return status === wish ? 0 : status === 'Unknown' ? 1 : 2
}
