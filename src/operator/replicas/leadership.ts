import { type Clock, delay, startStopwatch } from '../../lib/clock.ts'
import type { LeaderLock } from './leader-lock.ts'

/** In milliseconds. Each must be shorter than the one before it. */
export interface LeadershipTimes {
  /** Nobody else gets the lock for so long after it was acquired or renewed. */
  readonly leaseMs: number
  /** A leader starts no more effects when its last confirmed renewal was sent so long ago. */
  readonly renewDeadlineMs: number
  /** The pause between two attempts to renew or to acquire the lock. */
  readonly retryMs: number
}

/** The defaults of Kubernetes' own controllers; only their retry period is shorter, with 2 s. */
export const defaultLeadershipTimes: LeadershipTimes = {
  leaseMs: 15_000,
  renewDeadlineMs: 10_000,
  retryMs: 5_000,
}

/** One term: from acquiring the lock to losing it or giving it up. */
export interface Leadership {
  /**
   * Whether an effect may start now. Once no renewal was confirmed for the renew deadline, it stays false. It compares
   * clocks and trusts no timer, so a process that was stopped for a while finds out here first.
   */
  isHeld(): boolean
  /** Aborts when the term ends. Its reason is an Error that says why. */
  readonly signal: AbortSignal
  /** Ends the term. The lock stays taken until it expires or is released. */
  giveUp(why: string): void
  /** Ends the term and frees the lock. Call it when nothing that this term started is running any more. */
  release(): Promise<void>
}

export interface CampaignOptions {
  readonly lock: LeaderLock
  readonly times: LeadershipTimes
  readonly clock: Clock
  /** Uniform in [0, 1). It keeps replicas from asking all at once. */
  readonly random: () => number
  /** Ends the campaign. A term that was won goes on. */
  readonly signal: AbortSignal
  /** Called for each attempt whose outcome is unknown. */
  readonly onError: (error: unknown) => void
}

/** The random share of a pause. */
const jitter = 0.2

/** The share of the renew deadline that one renewal may take, so that one lost answer does not end the term. */
const shareOfAttempt = 0.25

/** The share of the renew deadline between a failed renewal and the next one. */
const shareOfPause = 0.1

/** Tries to acquire the lock until this process holds it. @returns undefined where the signal aborted before */
export async function campaign(options: CampaignOptions): Promise<Leadership | undefined> {
  const { lock, times, clock, random, signal, onError } = options
  while (!signal.aborted) {
    const elapsedMs = startStopwatch(clock)
    try {
      const isAcquired = await withTimeout(
        clock,
        times.renewDeadlineMs,
        (attempt) => lock.acquire(attempt),
        signal,
      )
      if (isAcquired) return lead(options, elapsedMs)
    } catch (error) {
      if (!signal.aborted) onError(error)
    }
    await delay(clock, jittered(times.retryMs, random), signal)
  }
  return undefined
}

/** @param confirmedMs how long ago the request was sent that acquired the lock */
function lead(options: CampaignOptions, confirmedMs: () => number): Leadership {
  const { lock, times, clock, random, onError } = options
  const abort = new AbortController()
  let sinceConfirmedMs = confirmedMs

  function end(why: string) {
    if (!abort.signal.aborted) abort.abort(new Error(why))
  }

  function isHeld(): boolean {
    if (sinceConfirmedMs() >= times.renewDeadlineMs) {
      end(`no renewal of the lock was confirmed for ${times.renewDeadlineMs / 1000} s`)
    }
    return !abort.signal.aborted
  }

  const remainingMs = () => Math.max(0, times.renewDeadlineMs - sinceConfirmedMs())

  async function keepRenewing() {
    let pauseMs = jittered(times.retryMs, random)
    while (isHeld()) {
      await delay(clock, Math.min(pauseMs, remainingMs()), abort.signal)
      if (!isHeld()) return
      const elapsedMs = startStopwatch(clock)
      const timeoutMs = Math.min(remainingMs(), times.renewDeadlineMs * shareOfAttempt)
      try {
        if (!(await withTimeout(clock, timeoutMs, (attempt) => lock.renew(attempt), abort.signal))) {
          return end('another process has taken the lock')
        }
        sinceConfirmedMs = elapsedMs
        pauseMs = jittered(times.retryMs, random)
      } catch (error) {
        if (!abort.signal.aborted) onError(error)
        pauseMs = jittered(times.renewDeadlineMs * shareOfPause, random)
      }
    }
  }
  const renewing = keepRenewing()

  return {
    isHeld,
    signal: abort.signal,
    giveUp: end,
    async release() {
      end('released')
      await renewing
      await lock.release()
    },
  }
}

function jittered(pauseMs: number, random: () => number): number {
  return pauseMs * (1 - jitter * random())
}

/** Runs one attempt with a signal that aborts after `timeoutMs` or together with `outer`. */
async function withTimeout(
  clock: Clock,
  timeoutMs: number,
  attempt: (signal: AbortSignal) => Promise<boolean>,
  outer: AbortSignal,
): Promise<boolean> {
  const abort = new AbortController()
  const onOuter = () => abort.abort(outer.reason)
  if (outer.aborted) onOuter()
  outer.addEventListener('abort', onOuter)
  const cancel = clock.after(timeoutMs, () =>
    abort.abort(new Error(`no answer within ${Math.round(timeoutMs)} ms`)),
  )
  try {
    return await attempt(abort.signal)
  } finally {
    cancel()
    outer.removeEventListener('abort', onOuter)
  }
}
