import { type Clock, delay } from '../../lib/clock.ts'
import { errorMessage } from '../../lib/errors.ts'
import type { Log } from '../../lib/log.ts'
import type { LeaderLock } from './leader-lock.ts'
import { campaign, type LeadershipTimes } from './leadership.ts'

/** A stretch of time in which this process works: while it leads, or as long as it runs where it is alone. */
export interface Term {
  /** Of this process among replicas; undefined: it is alone. */
  readonly holder?: string
  /** Whether an effect may start now. */
  mayAct(): boolean
  /** Ends the term, because it cannot go on. */
  giveUp(why: string): void
}

/** One process of several that share an inventory. */
export interface Replica {
  readonly identity: string
  readonly lock: LeaderLock
  readonly times: LeadershipTimes
}

export interface Terms<Work> {
  /** What the running term began; undefined: this replica stands by. */
  current(): Work | undefined
  /** Ends the running term, and begins no other. */
  close(): Promise<void>
}

interface TermWork {
  close(): Promise<void>
}

/** The one term of a process that is alone. Rejects where `begin` does. */
export async function startOnlyTerm<Work extends TermWork>(
  begin: (term: Term) => Promise<Work>,
): Promise<Terms<Work>> {
  const work = await begin({ mayAct: () => true, giveUp() {} })
  return { current: () => work, close: work.close }
}

/**
 * The terms of a replica: it campaigns, works until the leadership is lost or the process ends, and campaigns again.
 * Nothing of a term outlives it, so a lost leadership needs no new process. A term that cannot begin is logged, and
 * another one follows.
 * @param readOnly it never leads: one term that may not act, beside whoever leads
 */
export function startTerms<Work extends TermWork>(options: {
  readonly replica: Replica
  readonly readOnly: boolean
  readonly clock: Clock
  readonly random: () => number
  readonly log: Log
  readonly begin: (term: Term) => Promise<Work>
}): Terms<Work> {
  const { replica, readOnly, clock, random, log, begin } = options
  const { identity, lock, times } = replica
  const stop = new AbortController()
  let current: Work | undefined

  async function work(term: Term, ended: AbortSignal): Promise<void> {
    const begun = await begin(term)
    current = begun
    try {
      await untilAborted(ended)
    } finally {
      current = undefined
      await begun.close()
    }
  }

  async function takePart(): Promise<void> {
    if (readOnly) return work({ mayAct: () => false, giveUp() {} }, stop.signal)
    const leadership = await campaign({
      lock,
      times,
      clock,
      random,
      signal: stop.signal,
      onError: (error) => log.warn({ error: errorMessage(error) }, 'the leader lock does not answer'),
    })
    // The last attempt was cut short, and the lock may have been granted to it.
    if (leadership === undefined) return lock.release()
    const { signal, isHeld: mayAct, giveUp } = leadership
    signal.addEventListener('abort', () => {
      if (!stop.signal.aborted) log.warn({ why: errorMessage(signal.reason) }, 'leads no more')
    })
    log.info({ identity }, 'leads')
    try {
      await work({ holder: identity, mayAct, giveUp }, AbortSignal.any([stop.signal, signal]))
    } finally {
      await leadership.release()
    }
  }

  async function run(): Promise<void> {
    while (!stop.signal.aborted) {
      try {
        await takePart()
      } catch (error) {
        log.error({ error: errorMessage(error) }, 'the term of this replica ended')
      }
      // Another replica may do better.
      await delay(clock, times.retryMs, stop.signal)
    }
  }
  const running = run()

  return {
    current: () => current,
    async close() {
      stop.abort()
      await running
    },
  }
}

function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    signal.addEventListener('abort', () => resolve())
  })
}
