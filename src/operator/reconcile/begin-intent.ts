import type { Intent } from '../plan/record.ts'
import type { StepContext } from './context.ts'

/** The intent of a call that is about to be sent. */
export function beginIntent<Request>(
  { clock, callDeadlineMs, holder }: Pick<StepContext, 'clock' | 'callDeadlineMs' | 'holder'>,
  request: Request,
): Intent<Request> {
  const sinceMs = clock.now()
  return {
    request,
    sinceMs,
    deadlineMs: sinceMs + callDeadlineMs,
    ...(holder === undefined ? {} : { holder }),
  }
}
