import type { OperationError } from '../../lib/errors.ts'
import type { Decision, StepName } from '../plan/decision.ts'
import type { Key } from '../plan/identity.ts'
import type { Now } from '../plan/now.ts'
import type { InventoryRecord } from '../plan/record.ts'
import type { Status } from '../plan/status.ts'
import type { StepContext } from './context.ts'

/** The parts of a pass over one kind: read the state (`gather`), decide (`plan`), act (`steps`), report (`present`). */
export interface Kind<Record extends InventoryRecord, Seen, Planned extends Decision = Decision> {
  /** The stored or new record with the current declaration. */
  begin(key: Key): Record
  /** Reads everything that the plan needs. Changes nothing. */
  gather(record: Record): Promise<Seen>
  /** Pure. */
  plan(record: Record, seen: Seen, now: Now): Planned
  /** The steps that the plan may choose. */
  readonly steps: Steps<Record, Seen, Planned>
  /** The record to store when the state matches the declaration. */
  asDeclared(record: Record, seen: Seen): Record
  /** The status without the conditions. `seen` and `planned` are undefined if the pass did not get that far. */
  present(record: Record, seen: Seen | undefined, planned: Planned | undefined): Partial<Status>
}

export type Steps<Record extends InventoryRecord, Seen, Planned extends Decision = Decision> = {
  readonly [Name in StepName]?: Step<Record, Seen, Planned>
}

export interface StepInput<Record extends InventoryRecord, Seen, Planned extends Decision = Decision> {
  readonly context: StepContext
  /** The stored record, including what the step intends. */
  readonly record: Record
  /** The record before the step. */
  readonly before: Record
  readonly seen: Seen
  readonly planned: Planned
  readonly signal: AbortSignal
}

/** One change to the outside or the inventory. A new step is one file and one line in its kind. */
export interface Step<Record extends InventoryRecord, Seen, Planned extends Decision = Decision> {
  /** The record to store before the effect. Absent if the step is safe to repeat after a crash. */
  intend?(input: StepInput<Record, Seen, Planned>): Record
  /** @returns the record after the effect; undefined: the identity is no longer managed */
  act(input: StepInput<Record, Seen, Planned>): Promise<Record | undefined>
  /** The record to store after `act` failed. Absent: the intended record stays. */
  afterFailure?(
    input: StepInput<Record, Seen, Planned>,
    error: OperationError,
  ): AfterFailure<Record> | Promise<AfterFailure<Record>>
}

export interface AfterFailure<Record> {
  readonly record: Record
  /** Replaces the error of the step. */
  readonly error?: OperationError
}
