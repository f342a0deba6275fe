/**
 * The list watch's one promise: `current` is the list as Nomad has it, known to be so by a blocking query that
 * is open, and never one from before an interruption.
 */
import { type Clock, delay } from '../lib/clock.ts'
import { errorMessage, OperationError, toOperationError } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import type { BlockingQuery } from './http.ts'
import type { Indexed } from './reads.ts'

export interface ListWatchOptions<Item> {
  /** For log lines and errors: `volumes in namespace "default"`. */
  readonly title: string
  readonly list: (query: BlockingQuery | undefined, signal: AbortSignal) => Promise<Indexed<Item>>
  /**
   * Called with each list, and the place in the sequence at which it arrived, before `current` gives it.
   * Returns how many elements came, went or changed since the one before.
   */
  readonly onList: (items: readonly Item[], arrivedAt: number) => number
  /** Counts up; orders what arrives here and what is asked elsewhere. */
  readonly sequence: () => number
  readonly clock: Clock
  readonly random: () => number
  readonly log: Log
  /**
   * How long a query blocks. After each that ends without a change the list is read afresh, because
   * Nomad neither wakes for every change of health, nor looks again when a query expires.
   */
  readonly pollMs: number
}

export interface ListWatch {
  /**
   * Resolves with the place in the sequence at which the latest list arrived, after it arrived.
   * @throws OperationError while Nomad does not answer; a single failure is waited out
   */
  current(): Promise<number>
  /** Reads the list afresh; `current` waits for it. */
  refresh(): void
  /** Something may have changed: reads the list afresh, unless one arrives by itself just now. */
  hint(): void
  /** Ends the open query; resolves when nothing of the watch is left. */
  close(): Promise<void>
}

const firstRetryMs = 1000
const lastRetryMs = 30_000
/**
 * Changes that follow each other closely become one list, the longer the more there are: one of thousands costs
 * both sides many milliseconds, and most of what changes in a storm its passes read by themselves.
 */
const gapMs = 250
const gapPerChangeMs = 25
const longestGapMs = 2000
/** What a blocking query would bring by itself is given so long. */
const hintMs = 1000

export function startListWatch<Item>(options: ListWatchOptions<Item>): ListWatch {
  const { title, list, onList, sequence, clock, random, log, pollMs } = options
  let closed = false
  let arrivedAt: number | undefined
  // A refresh asks for a list that begins after it: generations wanted, and seen in a list.
  let wanted = 1
  let seen = 0
  let failures = 0
  let lastError: unknown
  let cut = new AbortController()
  let cancelHint: (() => void) | undefined
  let restsUntilMs = 0
  let attempt = Promise.withResolvers<void>()

  /** One query and what follows from it. @returns the index to wait beyond next, 0 for a list at once */
  async function step(index: bigint): Promise<bigint> {
    const generation = wanted
    const beganMs = clock.now()
    const answer = await list(index > 0n ? { index, waitMs: pollMs } : undefined, cut.signal)
    const isExpired = index > 0n && answer.index === index
    let changes = 0
    if (!isExpired) {
      // Before the listeners, so that what they ask for is answered from this list.
      arrivedAt = sequence()
      seen = generation
      changes = onList(answer.items, arrivedAt)
    }
    failures = 0
    endAttempt()
    const restMs = restAfter(index, answer.index, clock.now() - beganMs, changes)
    restsUntilMs = clock.now() + Math.min(restMs, longestGapMs)
    if (restMs > 0) await delay(clock, restMs, cut.signal)
    return answer.index > index ? answer.index : 0n
  }

  function restAfter(before: bigint, after: bigint, tookMs: number, changes: number): number {
    // The first of a series blocks at once; so does one that was read afresh.
    if (before === 0n && after > 0n) return 0
    // No news, or no index: a server that does not block is asked at the pace of one that does.
    if (before === after) return pollMs - tookMs
    // News; an index that went backwards is a restored cluster, and the series starts over.
    return Math.min(longestGapMs, gapMs + gapPerChangeMs * changes)
  }

  function endAttempt() {
    const ended = attempt
    attempt = Promise.withResolvers()
    ended.resolve()
  }

  async function run() {
    let index = 0n
    while (!closed) {
      try {
        index = await step(index)
      } catch (error) {
        index = 0n
        // Cut by refresh or close, which is no failure.
        if (!cut.signal.aborted) await fail(error)
      }
      if (cut.signal.aborted) {
        cut = new AbortController()
        index = 0n
      }
    }
    endAttempt()
  }

  async function fail(error: unknown) {
    failures += 1
    lastError = error
    const retryInMs = Math.min(lastRetryMs, firstRetryMs * 2 ** (failures - 1)) * (1 - random() / 2)
    log.warn(
      { watch: title, reason: toOperationError(error).reason, error: errorMessage(error), retryInMs },
      'watch failed',
    )
    endAttempt()
    await delay(clock, retryInMs, cut.signal)
  }

  function refresh() {
    wanted += 1
    cut.abort()
  }

  const ended = run()

  return {
    async current() {
      for (;;) {
        if (closed) throw watchEnded(title)
        if (arrivedAt !== undefined && seen >= wanted && failures === 0) return arrivedAt
        if (failures > 1) throw lastError
        await attempt.promise
      }
    },
    refresh,
    hint() {
      if (closed) return
      const before = arrivedAt
      const restMs = Math.max(0, restsUntilMs - clock.now())
      cancelHint ??= clock.after(restMs + hintMs, () => {
        cancelHint = undefined
        if (arrivedAt === before && failures === 0) refresh()
      })
    },
    close() {
      closed = true
      cancelHint?.()
      cut.abort()
      return ended
    },
  }
}

export function watchEnded(title: string): OperationError {
  return new OperationError(`the watch of ${title} has ended`, { kind: 'transient', reason: 'Interrupted' })
}
