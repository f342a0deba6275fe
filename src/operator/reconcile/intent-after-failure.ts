import type { OperationError } from '../../lib/errors.ts'
import type { Intent } from '../plan/intent.ts'

/**
 * The intent after its call failed; undefined if the call made nothing. A failed repeat does not show what the first call
 * did, unless the error is permanent. If the call has certainly ended (`isOver`), as when its plugin died, the repeat does
 * not wait for the deadline. A broken answer says that something was made, so its intent stays.
 */
export function intentLeft<Request>(
  intent: Intent<Request>,
  { kind, isOver, brokenAnswer }: OperationError,
  { isRepeat }: { readonly isRepeat: boolean },
): Intent<Request> | undefined {
  if (brokenAnswer !== undefined) return { ...intent, mayRunMs: 0, broken: brokenAnswer }
  if (kind === 'permanent' || (kind !== 'ambiguous' && !isRepeat)) return undefined
  return isOver ? { ...intent, mayRunMs: 0 } : intent
}

/** The record after a failed create. @param before the record before the step */
export function intentAfterFailure<Request, Record extends { readonly intent?: Intent<Request> }>(
  record: Record,
  before: Record,
  error: OperationError,
): Record {
  const { intent, ...rest } = record
  const isRepeat = before.intent !== undefined
  const left = intent === undefined ? undefined : intentLeft(intent, error, { isRepeat })
  return (left === undefined ? rest : { ...rest, intent: left }) as Record // An intent may be absent.
}
