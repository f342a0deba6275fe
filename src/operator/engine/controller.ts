/**
 * Promise: every added key gets a pass, and another one when the outcome asks for it. A pass that throws or exceeds its
 * time limit is logged and retried. Only the controller retries, limits the time of a pass and catches every error.
 */
import { type Around, unobserved } from '../../lib/around.ts'
import type { SteadyClock } from '../../lib/clock.ts'
import { OperationError, toOperationError } from '../../lib/errors.ts'
import type { Log } from '../../lib/log.ts'
import { createBackoff } from './backoff.ts'
import { createDelayingQueue } from './delaying-queue.ts'
import { createKeyQueue, type Priority } from './key-queue.ts'
import type { Outcome } from './outcome.ts'
import { createPool, type PoolOptions } from './pool.ts'

export interface ControllerOptions extends Partial<PoolOptions> {
  /**
   * One pass over a key. It must read the state again: it does not learn why it was called. The signal aborts after
   * `passTimeoutMs`, or when the pass delays a shutdown. A pass that exceeds its time limit counts as failed, whatever
   * it returns. The key keeps its slots until the promise resolves or rejects.
   */
  readonly reconcile: (key: string, signal: AbortSignal) => Promise<Outcome>
  /** The group whose slots the key uses: its plugin. */
  readonly groupOf: (key: string) => string
  readonly log: Log
  readonly clock: SteadyClock
  /** Uniform in [0, 1), for jitter. */
  readonly random: () => number
  /** Default: 1 s doubling to 5 min, as the CSI sidecars of Kubernetes do. */
  readonly backoff?: { readonly baseMs: number; readonly maxMs: number }
  /** Default: 10 min, several times the longest call from Nomad to a plugin. */
  readonly passTimeoutMs?: number
  /** Wraps each pass. */
  readonly aroundPass?: Around<PassSubject, Outcome>
}

export interface PassSubject {
  readonly key: string
  readonly priority: Priority
  /** How long the key waited for its slot. */
  readonly queuedMs: number
}

export interface ControllerCounters {
  /** Keys that wait for a slot. */
  readonly depth: number
  /** Keys whose pass is running. */
  readonly running: number
  /** Keys scheduled for later, including those in backoff. */
  readonly delayed: number
  /** Keys whose last pass failed. */
  readonly failing: number
  /** Passes that ended since the start. */
  readonly passes: number
  /** Passes that failed since the start. Each is retried. */
  readonly retries: number
  /** Keys that were queued for a slot since the start. */
  readonly adds: number
  /** Age of the oldest running pass. */
  readonly longestRunningMs: number
  /** Running passes that ignored their abort signal. Their slots are blocked until they end. */
  readonly overdue: number
}

export interface Controller {
  /** Runs a pass as soon as a slot is free. Default priority: `change`. */
  add(key: string, options?: { readonly priority?: Priority }): void
  /** Runs a pass after `delayMs`. If several times were requested, the earliest counts. */
  addAfter(key: string, delayMs: number): void
  /** Resolves when no pass runs or waits for a slot. It does not wait for delayed keys. */
  whenIdle(): Promise<void>
  counters(): ControllerCounters
  /**
   * Shuts down: no pass starts, running passes finish. After `graceMs` the remaining passes are aborted.
   * Resolves when the last pass has ended.
   */
  drain(graceMs: number): Promise<void>
}

const defaults = {
  poolSlots: 32,
  groupSlots: 4,
  // Small windows spread a burst.
  rateLimit: { tasks: 250, perMs: 100 },
  backoff: { baseMs: 1000, maxMs: 5 * 60_000 },
  passTimeoutMs: 10 * 60_000,
  aroundPass: unobserved,
}

/** The longest change has fewer steps: a restore. */
const mostInARow = 16

/** How long a pass may run on after its abort signal before it counts as overdue. */
const overdueAfterMs = 60_000

/** @throws RangeError if one group could fill the pool */
export function createController(options: ControllerOptions): Controller {
  const { reconcile, groupOf, log, clock, random } = options
  const { backoff: backoffTimes, passTimeoutMs, aroundPass, ...poolOptions } = { ...defaults, ...options }
  const backoff = createBackoff({ ...backoffTimes, random, clock })
  const keys = createKeyQueue({ pool: createPool(poolOptions, clock), groupOf, process: pass, clock })
  const queue = createDelayingQueue(keys, clock)
  const inProcess = new Set<{ readonly sinceMs: number; readonly abort: (reason: Error) => void }>()
  /** For each key whose last pass changed something: how many in a row did. */
  const inARow = new Map<string, number>()
  let passes = 0
  let retries = 0

  /** What has begun goes first, unless it never comes to an end. */
  function nextPriority(key: string, priority: Priority, afterMs: number): Priority {
    const passesInARow = afterMs > 0 ? 0 : (inARow.get(key) ?? 0) + 1
    if (passesInARow === 0) inARow.delete(key)
    else inARow.set(key, passesInARow)
    if (passesInARow > 0 && passesInARow <= mostInARow) return 'begun'
    return priority === 'begun' ? 'change' : priority
  }

  async function pass(key: string, priority: Priority, queuedMs: number): Promise<void> {
    const outcome = await attempt({ key, priority, queuedMs })
    passes += 1
    if (outcome.type === 'failed') {
      retries += 1
      inARow.delete(key)
      const retryInMs = backoff.failed(key)
      queue.addAfter(key, retryInMs, priority)
      log.warn({ key, retryInMs, ...errorFields(outcome.error) }, 'pass failed')
      return
    }
    backoff.succeeded(key)
    if (outcome.type === 'again')
      queue.addAfter(key, outcome.afterMs, nextPriority(key, priority, outcome.afterMs))
    else inARow.delete(key)
    log.debug({ key, ...outcome }, 'pass ended')
  }

  async function attempt(subject: PassSubject): Promise<Outcome> {
    const controller = new AbortController()
    const abort = (reason: Error) => controller.abort(reason)
    let timedOut: OperationError | undefined
    const cancelTimeout = clock.after(passTimeoutMs, () => {
      timedOut = timedOutError(passTimeoutMs)
      abort(timedOut)
    })
    const entry = { sinceMs: clock.monotonicMs(), abort }
    inProcess.add(entry)
    const run = async (): Promise<Outcome> => {
      try {
        const outcome = await reconcile(subject.key, controller.signal)
        return timedOut === undefined ? outcome : { type: 'failed', error: timedOut }
      } catch (error) {
        // The time limit explains more than the error that the abort caused.
        throw timedOut ?? error
      }
    }
    try {
      return await aroundPass(subject, run)
    } catch (error) {
      return { type: 'failed', error: error instanceof Error ? error : new Error(String(error)) }
    } finally {
      inProcess.delete(entry)
      cancelTimeout()
    }
  }

  return {
    add: (key, { priority = 'change' } = {}) => queue.add(key, priority),
    addAfter: (key, delayMs) => queue.addAfter(key, delayMs, 'change'),
    whenIdle: keys.whenIdle,
    counters() {
      const runningMs = [...inProcess].map(({ sinceMs }) => clock.monotonicMs() - sinceMs)
      return {
        depth: keys.depth(),
        running: keys.running(),
        delayed: queue.pending(),
        failing: backoff.failing(),
        passes,
        retries,
        adds: keys.adds(),
        longestRunningMs: Math.max(0, ...runningMs),
        overdue: runningMs.filter((ms) => ms > passTimeoutMs + overdueAfterMs).length,
      }
    },
    async drain(graceMs) {
      queue.close()
      const ended = keys.close()
      const cancelGrace = clock.after(graceMs, () => {
        for (const { abort } of inProcess) abort(new Error('Mooring is shutting down'))
      })
      await ended
      cancelGrace()
    },
  }
}

function timedOutError(passTimeoutMs: number): OperationError {
  return new OperationError(`the pass took longer than ${passTimeoutMs / 1000} s`, {
    kind: 'transient',
    reason: 'PassTimedOut',
  })
}

/** Log fields. Only an unexpected error is a defect and needs its stack. */
function errorFields(error: Error) {
  const { kind, reason } = toOperationError(error)
  return { kind, reason, error: error.message, ...(reason === 'UnexpectedError' && { stack: error.stack }) }
}
