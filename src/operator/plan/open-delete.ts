import type { Moment } from '../../lib/clock.ts'
import type { OperationError } from '../../lib/errors.ts'
import { longestCallMs } from './intent.ts'
import { type Now, passedMs } from './now.ts'
import type { VolumeEnd } from './record.ts'

/**
 * Whether a delete was sent and may still take effect, so that its end cannot be cancelled. A refusal says that nothing
 * was deleted, once no earlier call can still be running.
 */
export function isDeleteOpen(end: VolumeEnd | undefined, now: Now): boolean {
  if (end?.phase !== 'delete') return false
  return end.refusal === undefined || passedMs(now, end.sent) < longestCallMs
}

/**
 * The record after a delete of a snapshot or a host volume failed. A repeat that fails says nothing of an earlier call, which
 * may still be running, so its end stays open.
 * @param record with the end that was stored before the call
 * @param before the record before the step
 */
export function endAfterFailure<Record extends { readonly end?: { readonly sent?: Moment } }>(
  record: Record,
  before: Record,
  { kind }: Pick<OperationError, 'kind'>,
  now: Now,
): Record {
  if (kind === 'ambiguous') return record
  const { end, ...rest } = before
  if (end === undefined) return before
  // Records of earlier versions do not say when it was sent.
  const mayRun = end.sent === undefined ? kind !== 'permanent' : passedMs(now, end.sent) < longestCallMs
  return mayRun ? before : (rest as Record) // An end may be absent.
}
