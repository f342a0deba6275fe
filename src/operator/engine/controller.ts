/**
 * The controller's one promise: it calls `reconcile` for every key that was added, and again as the outcome says.
 * Whatever a pass throws becomes a log line and a later try, and so does a pass that reaches its time limit. Nobody
 * else in the operator retries, times out, or catches everything.
 */
import { type Around, unobserved } from '../../lib/around.ts'
import type { Clock } from '../../lib/clock.ts'
import { OperationError, toOperationError } from '../../lib/errors.ts'
import type { Log } from '../../lib/log.ts'
import { createBackoff } from './backoff.ts'
import { createDelayingQueue } from './delaying-queue.ts'
import { createKeyQueue, type Priority } from './key-queue.ts'
import type { Outcome } from './outcome.ts'
import { createPool, type PoolOptions } from './pool.ts'

export interface ControllerOptions extends Partial<PoolOptions> {
  /**
   * One pass over a key. It reads the state afresh, as nobody tells it why it was called. The signal aborts when
   * the pass takes longer than `passTimeoutMs`, and when it holds up the shutdown. A pass that reaches its time limit
   * has failed, whatever it gives back. Until the promise settles, the key stays in process and keeps its slots.
   */
  readonly reconcile: (key: string, signal: AbortSignal) => Promise<Outcome>
  /** Whose slots a key takes: its plugin. */
  readonly groupOf: (key: string) => string
  readonly log: Log
  readonly clock: Clock
  /** Uniform in [0, 1), for jitter. */
  readonly random: () => number
  /** Default: 1 s doubling to 5 min, as the CSI sidecars of Kubernetes do. */
  readonly backoff?: { readonly baseMs: number; readonly maxMs: number }
  /** Default 10 min: several times the longest call that Nomad makes to a plugin. */
  readonly passTimeoutMs?: number
  /** Goes around each pass. */
  readonly aroundPass?: Around<PassSubject, Outcome>
}

export interface PassSubject {
  readonly key: string
  readonly priority: Priority
  /** How long the key waited for a slot. */
  readonly queuedMs: number
}

export interface ControllerCounters {
  /** Keys that wait for a slot. */
  readonly depth: number
  /** Keys in process. */
  readonly running: number
  /** Keys whose time has not come, those in backoff included. */
  readonly delayed: number
  /** Keys whose last pass failed. */
  readonly failing: number
  /** Passes ended since the start. */
  readonly passes: number
  /** Passes that failed since the start, each of which leads to a retry. */
  readonly retries: number
  /** Keys that came to wait for a slot since the start. */
  readonly adds: number
  /** Of the passes in process, how long the longest has taken. */
  readonly longestRunningMs: number
  /** Passes in process that went on in spite of their signal: their slots are lost until the process ends. */
  readonly overdue: number
}

export interface Controller {
  /** Looks at the key as soon as a slot is free. Default priority: `change`. */
  add(key: string, options?: { readonly priority?: Priority }): void
  /** Looks at the key after `delayMs`, or at the earliest time asked for. */
  addAfter(key: string, delayMs: number): void
  /** Resolves as soon as no key waits for a slot or is in process. Delayed keys are not waited for. */
  whenIdle(): Promise<void>
  counters(): ControllerCounters
  /**
   * Shuts down: nothing new starts, passes in process finish. Those still there after `graceMs` get
   * their signal. Resolves when the last pass has ended, and not before.
   */
  drain(graceMs: number): Promise<void>
}

const defaults = {
  poolSlots: 32,
  groupSlots: 4,
  // In small windows, so that a burst is spread. Most passes of a resync make no request at all.
  rateLimit: { tasks: 250, perMs: 100 },
  backoff: { baseMs: 1000, maxMs: 5 * 60_000 },
  passTimeoutMs: 10 * 60_000,
  aroundPass: unobserved,
}

/** How long a pass may take to end once it got its signal. */
const overdueAfterMs = 60_000

/** @throws RangeError where one group could fill the pool */
export function createController(options: ControllerOptions): Controller {
  const { reconcile, groupOf, log, clock, random } = options
  const { backoff: backoffTimes, passTimeoutMs, aroundPass, ...poolOptions } = { ...defaults, ...options }
  const backoff = createBackoff({ ...backoffTimes, random })
  const keys = createKeyQueue({ pool: createPool(poolOptions), groupOf, process: pass, clock })
  const queue = createDelayingQueue(keys, clock)
  const inProcess = new Set<{ readonly sinceMs: number; readonly abort: (reason: Error) => void }>()
  let passes = 0
  let retries = 0

  async function pass(key: string, priority: Priority, queuedMs: number): Promise<void> {
    const outcome = await attempt({ key, priority, queuedMs })
    passes += 1
    if (outcome.type === 'failed') {
      retries += 1
      const retryInMs = backoff.failed(key)
      queue.addAfter(key, retryInMs, priority)
      log.warn({ key, retryInMs, ...describe(outcome.error) }, 'pass failed')
      return
    }
    backoff.succeeded(key)
    if (outcome.type === 'again') queue.addAfter(key, outcome.afterMs, priority)
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
    const entry = { sinceMs: clock.now(), abort }
    inProcess.add(entry)
    const run = async (): Promise<Outcome> => {
      try {
        const outcome = await reconcile(subject.key, controller.signal)
        return timedOut === undefined ? outcome : { type: 'failed', error: timedOut }
      } catch (error) {
        // What the abort led to says less than why it came.
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
      const runningMs = [...inProcess].map(({ sinceMs }) => clock.now() - sinceMs)
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

/** An expected failure is its reason and message; anything else is a defect, and needs its stack. */
function describe(error: Error) {
  const { kind, reason } = toOperationError(error)
  return { kind, reason, error: error.message, ...(reason === 'UnexpectedError' && { stack: error.stack }) }
}
