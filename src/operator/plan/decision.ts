import type { Verdict } from './status.ts'
import type { FieldDifference } from './volume-difference.ts'

/**
 * One effect. The plan names it and says why; the step of that name in reconcile/ carries it out.
 * `release` ends our management and touches nothing else.
 */
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
  | 'deregister-volume'
  | 'register-tombstone'
  | 'cancel-end'
  | 'delete-volume'
  | 'take-final-snapshot'
  | 'create-snapshot'
  | 'adopt-snapshot'
  | 'delete-snapshot'
  | 'start-snapshot'
  | 'miss-run'
  | 'expire-snapshot'
  | 'release'

/** What a plan comes to: at most one change, and where the declaration stands before it. */
export interface Decision {
  readonly step?: StepName
  readonly verdict: Verdict
  /** Look again after this, where no event would say so. */
  readonly againAfterMs?: number
  /** What differs, field by field, where that is why. */
  readonly differences?: readonly FieldDifference[]
}

/** A step to take now, and the reason that a person reads. */
export function take(step: StepName, reason: string, message: string): Decision {
  return { step, verdict: { state: 'working', reason, message } }
}

export function wait(reason: string, message: string, againAfterMs: number): Decision {
  return { verdict: { state: 'waiting', reason, message }, againAfterMs }
}

export function stall(reason: string, message: string): Decision {
  return { verdict: { state: 'stalled', reason, message } }
}

export function ready(reason: string, message: string): Decision {
  return { verdict: { state: 'ready', reason, message } }
}
