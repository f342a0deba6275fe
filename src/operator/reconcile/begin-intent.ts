import type { Intent } from '../plan/record.ts'
import type { StepContext } from './context.ts'

/** Makes the intent of a call that is about to be sent. @param earlier the intent of the call that it repeats */
export function beginIntent<Request>(
  { clock, callDeadlineMs, holder }: Pick<StepContext, 'clock' | 'callDeadlineMs' | 'holder'>,
  request: Request,
  earlier?: Intent<Request>,
): Intent<Request> {
  const sinceMs = clock.now()
  return {
    request,
    sinceMs,
    deadlineMs: sinceMs + callDeadlineMs,
    ...(earlier === undefined ? {} : { firstMs: earlier.firstMs ?? earlier.sinceMs }),
    ...(holder === undefined ? {} : { holder }),
  }
}
