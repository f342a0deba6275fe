/**
 * Watches a list by blocking queries. `current` resolves only while a query is open that would have shown a change,
 * so the list is the one that Nomad has. After an interruption it waits for a new list.
 */
import { delay, type SteadyClock } from '../lib/clock.ts'
import { errorMessage, OperationError, toOperationError } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import type { BlockingQuery } from './http.ts'
import { listPages } from './list-pages.ts'
import type { IndexedPage } from './reads.ts'

export interface ListWatchOptions<Item> {
  /** For log lines and errors: `volumes in namespace "default"`. */
  readonly title: string
  /** @param token of the page; empty for the first one */
  readonly list: (
    query: BlockingQuery | undefined,
    signal: AbortSignal,
    token: string,
  ) => Promise<IndexedPage<Item>>
  /** Called with each page as it arrives, in their order. A list that is interrupted begins again with its first page. */
  readonly onPage: (items: readonly Item[], isFirst: boolean) => void
  /**
   * Called after the last page with the list's place in the sequence, before `current` resolves with that place: when its
   * first page arrived, because what changes after that wakes the next query.
   * Returns how many elements came, went or changed since the list before.
   */
  readonly onList: (arrivedAt: number) => number
  /** Counts up. It orders the lists that arrive here and the requests that begin elsewhere. */
  readonly sequence: () => number
  readonly clock: SteadyClock
  readonly random: () => number
  readonly log: Log
  /**
   * How long a query blocks. When one ends without a change, the list is read anew: Nomad neither wakes a query for
   * every change of health, nor looks again when it expires.
   */
  readonly pollMs: number
}

export interface ListWatch {
  /**
   * Resolves with the latest list's place in the sequence.
   * @throws OperationError while Nomad does not answer; it waits through a single failure
   */
  current(): Promise<number>
  /** Reads the list anew; `current` waits for it. */
  refresh(): void
  /** Something may have changed: reads the list anew, unless a new one arrives within a moment. */
  hint(): void
  /** Ends the open query. Resolves when nothing of the watch runs any more. */
  close(): Promise<void>
}

const firstRetryMs = 1000
const lastRetryMs = 30_000
/**
 * The pause after a list with changes. Changes in quick succession then become one list, because a list of thousands
 * costs both sides many milliseconds. The more has changed, the longer the pause.
 */
const gapMs = 250
const gapPerChangeMs = 25
const longestGapMs = 2000
/** How long a hint waits for the list of the open query. */
const hintMs = 1000

export function startListWatch<Item>(options: ListWatchOptions<Item>): ListWatch {
  const { title, list, onPage, onList, sequence, clock, random, log, pollMs } = options
  let closed = false
  let arrivedAt: number | undefined
  // A refresh wants a list whose request begins after it. These count refreshes: wanted, and seen in a list.
  let wanted = 1
  let seen = 0
  let failures = 0
  let lastError: unknown
  let cut = new AbortController()
  let cancelHint: (() => void) | undefined
  let isBetweenPages = false
  let restsUntilMs = 0
  let attempt = Promise.withResolvers<void>()

  /** Runs one query. @returns the index that the next one waits beyond; 0 for a list at once */
  async function step(index: bigint): Promise<bigint> {
    const generation = wanted
    const beganMs = clock.monotonicMs()
    const answer = await list(index > 0n ? { index, waitMs: pollMs } : undefined, cut.signal, '')
    const isExpired = index > 0n && answer.index === index
    let changes = 0
    const answeredMs = clock.monotonicMs()
    if (!isExpired) {
      const listedAt = sequence()
      await readRest(answer)
      // Before the listeners run: what they ask for is then answered from this list.
      arrivedAt = listedAt
      seen = generation
      changes = onList(listedAt)
    }
    const pagesMs = clock.monotonicMs() - answeredMs
    failures = 0
    endAttempt()
    const restMs = restAfter(index, answer.index, answeredMs - beganMs, changes, pagesMs)
    restsUntilMs = clock.monotonicMs() + Math.min(restMs, longestGapMs)
    if (restMs > 0 && seen >= wanted) await delay(clock, restMs, cut.signal)
    return answer.index > index ? answer.index : 0n
  }

  /** Hands on the first page, and reads the others. Each answer lets the event loop go. */
  async function readRest(first: IndexedPage<Item>): Promise<void> {
    isBetweenPages = true
    try {
      await listPages(`list ${title}`, async ({ next_token }) => {
        const page = next_token === undefined ? first : await list(undefined, cut.signal, next_token)
        onPage(page.items, next_token === undefined)
        return { items: [], nextToken: page.nextToken }
      })
    } finally {
      isBetweenPages = false
    }
  }

  function restAfter(
    before: bigint,
    after: bigint,
    tookMs: number,
    changes: number,
    pagesMs: number,
  ): number {
    // After a first or fresh list the next query blocks at once.
    if (before === 0n && after > 0n) return 0
    // No change, or no index: a server that does not block is asked as often as one that does.
    if (before === after) return pollMs - tookMs
    // A change. An index that went back means a restored cluster, and the series starts over.
    // However long the list, reading it takes at most a fourth of the time.
    return Math.max(3 * pagesMs, Math.min(longestGapMs, gapMs + gapPerChangeMs * changes))
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
        // A cut by refresh or close is no failure.
        if (!cut.signal.aborted) await fail(error)
      }
      if (cut.signal.aborted) {
        cut = new AbortController()
        index = 0n
      }
      // It was asked for between two pages.
      if (seen < wanted) index = 0n
    }
    endAttempt()
  }

  async function fail(error: unknown) {
    failures += 1
    lastError = error
    const backoffMs = Math.min(lastRetryMs, firstRetryMs * 2 ** (failures - 1))
    const retryInMs = Math.round(backoffMs * (1 - random() / 2))
    log.warn(
      { watch: title, reason: toOperationError(error).reason, error: errorMessage(error), retryInMs },
      'the watch of a Nomad list failed and is tried again',
    )
    endAttempt()
    await delay(clock, retryInMs, cut.signal)
  }

  function refresh() {
    wanted += 1
    // Hints must not begin a long list again and again.
    if (!isBetweenPages) cut.abort()
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
      const restMs = Math.max(0, restsUntilMs - clock.monotonicMs())
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
