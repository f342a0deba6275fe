import { type Clock, delay } from '../../lib/clock.ts'
import { errorMessage } from '../../lib/errors.ts'
import type { Log } from '../../lib/log.ts'
import type { Orphans } from '../plan/orphans.ts'
import type { OperatorMetrics } from './metrics.ts'
import type { OperatorView } from './operator-view.ts'

/** Not often: a search lists the storage of every plugin. */
const searchAgainMs = 10 * 60_000
const firstSearchMs = 60_000

/**
 * Searches for orphans from time to time until the signal aborts, and updates the metrics. It begins when every source was
 * read, because before that nobody knows what is declared. Never rejects.
 */
export async function searchForOrphans(options: {
  readonly findOrphans: () => Promise<Orphans>
  readonly view: Pick<OperatorView, 'sources'>
  readonly metrics: Pick<OperatorMetrics, 'orphansFound'>
  readonly clock: Clock
  readonly log: Log
  readonly signal: AbortSignal
}): Promise<void> {
  const { findOrphans, view, metrics, clock, log, signal } = options
  await delay(clock, firstSearchMs, signal)
  while (!signal.aborted) {
    try {
      if (view.sources().every(({ last }) => last !== undefined)) metrics.orphansFound(await findOrphans())
    } catch (error) {
      if (!signal.aborted)
        log.warn({ why: errorMessage(error) }, 'the search for orphans failed and is repeated later')
    }
    await delay(clock, searchAgainMs, signal)
  }
}
