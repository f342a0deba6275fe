import { toOperationError } from '../../lib/errors.ts'
import type { Intent } from '../plan/record.ts'

/**
 * What is left of an intent when its call failed: undefined where nothing was made. A repeat that fails
 * says nothing of what the first call did, unless the refusal is for good. A call that is over is not
 * waited for: a plugin that died within it is asked again as soon as it is back, by the same name.
 */
export function intentAfterFailure<Request>(
  intent: Intent<Request>,
  error: unknown,
  { isRepeat, nowMs }: { readonly isRepeat: boolean; readonly nowMs: number },
): Intent<Request> | undefined {
  const { kind, isOver } = toOperationError(error)
  if (kind === 'permanent' || (kind !== 'ambiguous' && !isRepeat)) return undefined
  return isOver ? { ...intent, deadlineMs: Math.min(intent.deadlineMs, nowMs) } : intent
}
