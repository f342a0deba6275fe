import { toOperationError } from '../lib/errors.ts'

/**
 * Whether a failed call says that nothing was made, so that its intent can go. A repeat that fails says
 * nothing of what the first call did, unless the refusal is for good.
 */
export function settlesIntent(error: unknown, isRepeat: boolean): boolean {
  const { kind } = toOperationError(error)
  return kind === 'permanent' || (kind !== 'ambiguous' && !isRepeat)
}
