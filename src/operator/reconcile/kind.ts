import type { OperationError } from '../../lib/errors.ts'
import type { Decision, StepName } from '../plan/decision.ts'
import type { Key } from '../plan/identity.ts'
import type { InventoryRecord } from '../plan/record.ts'
import type { Status } from '../plan/status.ts'
import type { StepContext } from './context.ts'

/**
 * How passes over one kind go, as plain values: what there is (`gather`), what is to be done about it (`plan`), one
 * step of it, and what people are shown (`present`).
 */
export interface Kind<Record extends InventoryRecord, Seen, Planned extends Decision = Decision> {
  /** The record as a pass begins with it: what is stored, or what a new identity starts from, as it is declared now. */
  begin(key: Key): Record
  /** All that the plan needs to know. Changes nothing. */
  gather(record: Record): Promise<Seen>
  /** Pure. */
  plan(record: Record, seen: Seen, nowMs: number): Planned
  /** By the steps that the plan may name. */
  readonly steps: Steps<Record, Seen, Planned>
  /** The record of what is as declared. */
  asDeclared(record: Record, seen: Seen): Record
  /** What the status shows beside the conditions. Undefined: nothing was seen, or planned, in this pass. */
  present(record: Record, seen: Seen | undefined, planned: Planned | undefined): Partial<Status>
}

export type Steps<Record extends InventoryRecord, Seen, Planned extends Decision = Decision> = {
  readonly [Name in StepName]?: Step<Record, Seen, Planned>
}

export interface StepInput<Record extends InventoryRecord, Seen, Planned extends Decision = Decision> {
  readonly context: StepContext
  /** With what the step intends, as it is stored by then. */
  readonly record: Record
  /** As it was before the step. */
  readonly before: Record
  readonly seen: Seen
  readonly planned: Planned
  readonly signal: AbortSignal
}

/** One change to the outside, or to what the inventory records. A new one is a file, and a line in its kind. */
export interface Step<Record extends InventoryRecord, Seen, Planned extends Decision = Decision> {
  /** The record that is stored before the effect; absent where a crash in the middle needs no memory of it. */
  intend?(input: StepInput<Record, Seen, Planned>): Record
  /** @returns the record afterwards; undefined: the identity is no longer managed */
  act(input: StepInput<Record, Seen, Planned>): Promise<Record | undefined>
  /** What is recorded where `act` failed; absent: what was intended. */
  afterFailure?(
    input: StepInput<Record, Seen, Planned>,
    error: OperationError,
  ): AfterFailure<Record> | Promise<AfterFailure<Record>>
}

export interface AfterFailure<Record> {
  readonly record: Record
  /** In the place of the error that the step failed with. */
  readonly error?: OperationError
}
