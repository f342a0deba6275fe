import type { Decision, StepName } from '../plan/decision.ts'
import type { InventoryRecord } from '../plan/record.ts'
import type { Status } from '../plan/status.ts'

/** One kind's view of a pass: what to do, and how each step is done. */
export interface Pass<Record extends InventoryRecord> {
  /** The record as this pass found it, brought up to date with the declaration. */
  readonly record: Record
  /** @param record what is known by then, stored or not */
  decide(record: Record): Promise<Decision>
  /** Carries out a step that was decided last; resolves with the record afterwards, or undefined where management ends. */
  act(step: StepName): Promise<Record | undefined>
  /** Called where the declaration holds. */
  settle(record: Record): Record
  /** What the status shows beside the conditions. */
  facts(record: Record): Partial<Status>
}
