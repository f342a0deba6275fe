import type { OperationError } from '../../lib/errors.ts'
import type { Intent } from '../plan/record.ts'

/**
 * What is left of an intent when its call failed: undefined where nothing was made. A repeat that fails
 * says nothing of what the first call did, unless the refusal is for good. A call that is over is not
 * waited for: a plugin that died within it is asked again as soon as it is back, by the same name.
 */
export function intentLeft<Request>(
  intent: Intent<Request>,
  { kind, isOver }: OperationError,
  { isRepeat, nowMs }: { readonly isRepeat: boolean; readonly nowMs: number },
): Intent<Request> | undefined {
  if (kind === 'permanent' || (kind !== 'ambiguous' && !isRepeat)) return undefined
  return isOver ? { ...intent, deadlineMs: Math.min(intent.deadlineMs, nowMs) } : intent
}

/** The record of a create that failed. @param before it, without its intent or with that of an earlier call */
export function intentAfterFailure<Request, Record extends { readonly intent?: Intent<Request> }>(
  record: Record,
  before: Record,
  error: OperationError,
  nowMs: number,
): Record {
  const { intent, ...rest } = record
  const isRepeat = before.intent !== undefined
  const left = intent === undefined ? undefined : intentLeft(intent, error, { isRepeat, nowMs })
  return (left === undefined ? rest : { ...rest, intent: left }) as Record // An intent may be absent.
}
