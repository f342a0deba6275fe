import type { Clock } from '../../lib/clock.ts'
import { createTurns } from '../../lib/turns.ts'
import type { State } from '../state/state.ts'
import type { ApiAnswer } from './api.ts'
import type { ReadOptions } from './read-options.ts'

export interface BlockingQuery {
  readonly options: ReadOptions
  /** What wakes the query, as State.watch takes it. */
  readonly topics: readonly string[]
  /** The index that the answer has now; the query waits until it is past the one asked for. */
  index(): number
  /** Makes the answer from the current state. Called once, when the wait is over. May throw. */
  answer(index: number): ApiAnswer | Promise<ApiAnswer>
}

export type RunBlockingQuery = (query: BlockingQuery, signal: AbortSignal) => Promise<ApiAnswer>

/** Of those that one write wakes: a thousand would have the event loop to themselves for a twentieth of a second. */
const answersAtOnce = 50

/**
 * Blocking queries as Nomad's: with `index` in the query, the answer waits until something newer is there
 * or the wait (plus up to a sixteenth of it, so that a crowd does not return at once) is over. An aborted
 * one answers with the current state.
 * @param random from 0 up to 1
 */
export function createBlockingQueries(state: State, clock: Clock, random: () => number): RunBlockingQuery {
  const turn = createTurns(answersAtOnce)
  return async ({ options, topics, index, answer }, signal) => {
    if (options.index > 0 && index() <= options.index) {
      const over = Promise.withResolvers<void>()
      const unwatch = state.watch(topics, () => {
        if (index() > options.index) over.resolve()
      })
      const cancelTimer = clock.after(options.waitMs * (1 + random() / 16), over.resolve)
      signal.addEventListener('abort', () => over.resolve())
      if (signal.aborted) over.resolve()
      await over.promise
      // The write that wakes a thousand only resolves their promises. The rest each does in its turn.
      await turn()
      unwatch()
      cancelTimer()
    }
    return await answer(index())
  }
}
