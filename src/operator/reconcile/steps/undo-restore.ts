import { OperationError } from '../../../lib/errors.ts'
import type { VolumeRecord } from '../../plan/record.ts'
import type { AfterFailure } from '../kind.ts'
import type { VolumeStep } from '../volume-seen.ts'

/** Undoes a restore, as a person ordered. The next steps put the replaced volume back. */
export const undoRestore: VolumeStep = {
  async act({ record }) {
    return markUndone(record, 'a person cancelled the restore')
  },
}

/** Undoes a restore after a permanent error. The next pass starts at once. */
export function undoAfterError(record: VolumeRecord, error: OperationError): AfterFailure<VolumeRecord> {
  const { reason, message } = error
  return {
    record: markUndone(record, message),
    error: new OperationError(message, { kind: 'waiting', reason, retryAfterMs: 0, cause: error.cause }),
  }
}

function markUndone(record: VolumeRecord, undoneFor: string): VolumeRecord {
  return record.restore === undefined ? record : { ...record, restore: { ...record.restore, undoneFor } }
}
