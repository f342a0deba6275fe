import { momentOf } from '../../lib/clock.ts'
import { type Intent, longestCallMs } from '../plan/intent.ts'
import type { StepContext } from './context.ts'

/** Makes the intent of a call that is about to be sent. @param earlier the intent of the call that it repeats */
export function beginIntent<Request>(
  { clock, time, holder }: Pick<StepContext, 'clock' | 'time' | 'holder'>,
  request: Request,
  earlier?: Intent<Request>,
): Intent<Request> {
  const { dateMs, steadyDateMs } = time()
  return {
    request,
    // The earlier one: an answer counts as an old snapshot if it was taken long before this.
    sinceMs: Math.min(dateMs, steadyDateMs),
    sent: momentOf(clock),
    mayRunMs: longestCallMs,
    ...(earlier === undefined ? {} : { firstMs: earlier.firstMs ?? earlier.sinceMs }),
    ...(holder === undefined ? {} : { holder }),
  }
}
