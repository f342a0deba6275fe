import { OperationError, toOperationError } from '../../../lib/errors.ts'
import type { VolumeRecord } from '../../plan/record.ts'
import type { VolumeStepInput } from '../volume-step.ts'

/** Turns a restore around, as a person ordered: what follows puts the volume before it back. */
export async function undoRestore({ record }: VolumeStepInput): Promise<VolumeRecord> {
  return turnedAround(record, 'a person called the restore off')
}

/**
 * Turns a restore around for a refusal that will not pass.
 * @returns the error for the pass, which goes on at once
 */
export async function callOffRestore(
  { context, record }: VolumeStepInput,
  error: unknown,
): Promise<OperationError> {
  const { reason, message } = toOperationError(error)
  await context.inventory.amend(record.key, (stored) =>
    stored.kind === 'Volume' ? turnedAround(stored, message) : stored,
  )
  return new OperationError(message, { kind: 'waiting', reason, retryAfterMs: 0, cause: error })
}

function turnedAround(record: VolumeRecord, undoneFor: string): VolumeRecord {
  return record.restore === undefined ? record : { ...record, restore: { ...record.restore, undoneFor } }
}
