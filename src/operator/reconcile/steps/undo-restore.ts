import { OperationError } from '../../../lib/errors.ts'
import type { VolumeRecord } from '../../plan/record.ts'
import type { AfterFailure } from '../kind.ts'
import type { VolumeStep } from '../volume-seen.ts'

/** Turns a restore around, as a person ordered: what follows puts the volume before it back. */
export const undoRestore: VolumeStep = {
  async act({ record }) {
    return turnedAround(record, 'a person called the restore off')
  },
}

/** Turns a restore around for a refusal that will not pass; the pass goes on at once. */
export function callOffRestore(record: VolumeRecord, error: OperationError): AfterFailure<VolumeRecord> {
  const { reason, message } = error
  return {
    record: turnedAround(record, message),
    error: new OperationError(message, { kind: 'waiting', reason, retryAfterMs: 0, cause: error.cause }),
  }
}

function turnedAround(record: VolumeRecord, undoneFor: string): VolumeRecord {
  return record.restore === undefined ? record : { ...record, restore: { ...record.restore, undoneFor } }
}
