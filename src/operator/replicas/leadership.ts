import { delay, type SteadyClock, startStopwatch } from '../../lib/clock.ts'
import type { LeaderLock } from './leader-lock.ts'

/** In milliseconds, each shorter than the one before it. */
export interface LeadershipTimes {
  /** The lock's keeper gives it to nobody else for this long after it was acquired or renewed. */
  readonly leaseMs: number
  /** A leader whose last confirmed renewal was sent this long ago starts no more effects. */
  readonly renewDeadlineMs: number
  /** Between two attempts to renew the lock, or to acquire it. */
  readonly retryMs: number
}

/** What Kubernetes' own controllers are told for slow networks, but for the last, which they have at 2 s. */
export const defaultLeadershipTimes: LeadershipTimes = {
  leaseMs: 15_000,
  renewDeadlineMs: 10_000,
  retryMs: 5_000,
}

/** One term: from the lock's being acquired to its being lost or given up. */
export interface Leadership {
  /**
   * Whether an effect may start now. False for good once renewals were not confirmed for the renew deadline,
   * by clocks and not by timers: a process that was stopped finds out here first.
   */
  isHeld(): boolean
  /** Aborts when it is lost or given up; its reason is an Error that says why. */
  readonly signal: AbortSignal
  /** Ends it, without letting the next one have the lock before it expires or is released. */
  giveUp(why: string): void
  /** Ends it and lets the next one have the lock. Called when nothing that this term started runs any more. */
  release(): Promise<void>
}

export interface CampaignOptions {
  readonly lock: LeaderLock
  readonly times: LeadershipTimes
  readonly clock: SteadyClock
  /** Uniform in [0, 1), so that replicas do not ask all at once. */
  readonly random: () => number
  /** Ends the campaign; a leadership that was won goes on. */
  readonly signal: AbortSignal
  /** Told of each attempt whose outcome is not known. */
  readonly onError: (error: unknown) => void
}

/** Share of a pause that is left to chance. */
const jitter = 0.2

/** Of the renew deadline, what one renewal may take, so that one lost answer does not cost the leadership. */
const shareOfAttempt = 0.25

/** Of the renew deadline, what passes between a renewal that failed and the next. */
const shareOfPause = 0.1

/** Tries to acquire the lock until it is this process's. @returns undefined where the signal ended it before */
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

/** @param confirmedMs how long ago the request was sent that the lock was acquired by */
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

/** Runs one attempt, with a signal that aborts after `timeoutMs`, or when `outer` does. */
async function withTimeout(
  clock: SteadyClock,
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
