import type { Reason, StallReason } from '../../lib/reasons/reasons.ts'
import type { Verdict } from './status.ts'
import type { FieldDifference } from './volume-difference.ts'

/** One effect. The plan chooses it, and the step of that name in reconcile/steps/ carries it out. */
export type StepName =
  | 'create-volume'
  | 'register-volume'
  | 'update-volume'
  | 'expand-volume'
  | 'adopt-volume'
  | 'recreate-volume'
  | 'begin-restore'
  | 'deregister-replaced'
  | 'restore-volume'
  | 'adopt-restored'
  | 'undo-restore'
  | 'end-restore'
  | 'detach-node'
  | 'forget-detach-order'
  | 'forget-recreate-order'
  | 'deregister-volume'
  | 'register-tombstone'
  | 'cancel-end'
  | 'delete-volume'
  | 'take-final-snapshot'
  | 'create-snapshot'
  | 'adopt-snapshot'
  | 'delete-snapshot'
  | 'note-missing'
  | 'start-snapshot'
  | 'miss-run'
  | 'expire-snapshot'
  | 'create-host-volume'
  | 'adopt-host-volume'
  | 'expand-host-volume'
  | 'recreate-host-volume'
  | 'delete-host-volume'
  | 'release'

/** The result of a plan: at most one step, and the state of the declaration. */
export interface Decision {
  readonly step?: StepName
  readonly verdict: Verdict
  /** When to run the next pass, if no event would start it. */
  readonly againAfterMs?: number
  /** The differing fields, if they caused the decision. */
  readonly differences?: readonly FieldDifference[]
}

/** A step to take now. */
export function take(step: StepName, reason: Reason, message: string): Decision {
  return { step, verdict: { state: 'working', reason, message } }
}

export function wait(reason: Reason, message: string, againAfterMs: number): Decision {
  return { verdict: { state: 'waiting', reason, message }, againAfterMs }
}

export function stall(reason: StallReason, message: string): Decision {
  return { verdict: { state: 'stalled', reason, message } }
}

export function ready(reason: Reason, message: string): Decision {
  return { verdict: { state: 'ready', reason, message } }
}
