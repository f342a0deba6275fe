import { createHmac } from 'node:crypto'
import { type Clock, delay } from '../../lib/clock.ts'
import { errorMessage } from '../../lib/errors.ts'
import type { Log } from '../../lib/log.ts'
import type { Notification } from './notification.ts'
import type { Happening } from './watch-notable.ts'

export interface NotifierOptions {
  /** Never logged: for many receivers the path is a secret. */
  readonly url: string
  /** The key of the signature. Absent: there is no signature. */
  readonly secret?: string
  readonly version: string
  readonly clock: Clock
  /** Uniform in [0, 1), for jitter. */
  readonly random: () => number
  readonly newID: () => string
  readonly log: Log
  readonly onOutcome: (outcome: 'delivered' | 'failed' | 'dropped') => void
}

export interface Notifier {
  /** Returns at once. */
  tell(happening: Happening): void
  /** Drops what was not delivered. */
  close(): Promise<void>
}

/** Beyond that, the oldest one that is not being sent is dropped. */
const mostWaiting = 1000
const answerTimeoutMs = 10_000
const firstRetryMs = 1000
const lastRetryMs = 60_000
/** A notification that was not accepted for so long is dropped. */
const giveUpAfterMs = 60 * 60_000

/**
 * Delivers notifications in their order, one at a time. The operator never waits for it. If the receiver fails, it sends
 * again for up to an hour; after a 4xx other than 408 and 429 it does not. A notification may arrive twice, with the same
 * id. What is waiting when the process ends is lost.
 */
export function createNotifier(options: NotifierOptions): Notifier {
  const { url, secret, version, clock, random, newID, log, onOutcome } = options
  const waiting: Notification[] = []
  const closing = new AbortController()
  let delivering: Promise<void> | undefined

  async function deliverAll() {
    for (let next = waiting[0]; next !== undefined; next = waiting[0]) {
      const failure = await deliver(next)
      if (closing.signal.aborted) return
      waiting.shift()
      onOutcome(failure === undefined ? 'delivered' : 'failed')
      if (failure !== undefined) {
        log.error({ id: next.id, event: next.event, why: failure }, 'notification given up')
      }
    }
    delivering = undefined
  }

  /** @returns why it was dropped; undefined where it was delivered */
  async function deliver(notification: Notification): Promise<string | undefined> {
    const body = JSON.stringify(notification)
    const untilMs = clock.monotonicMs() + giveUpAfterMs
    for (let retryMs = firstRetryMs; ; retryMs = Math.min(2 * retryMs, lastRetryMs)) {
      const { failure, isFinal } = await post(notification, body)
      if (failure === undefined || isFinal || clock.monotonicMs() + retryMs > untilMs) return failure
      if (!closing.signal.aborted) log.warn({ id: notification.id, why: failure }, 'notification not taken')
      await delay(clock, retryMs * (1 - random() / 2), closing.signal)
      if (closing.signal.aborted) return failure
    }
  }

  async function post(
    { id, event }: Notification,
    body: string,
  ): Promise<{ failure: string | undefined; isFinal: boolean }> {
    const abort = new AbortController()
    const cancel = clock.after(answerTimeoutMs, () => abort.abort())
    const onClosing = () => abort.abort()
    closing.signal.addEventListener('abort', onClosing)
    try {
      const { status, body: answer } = await fetch(url, {
        method: 'POST',
        // The person named this address, and no other.
        redirect: 'manual',
        headers: {
          'content-type': 'application/json',
          'user-agent': `mooring/${version}`,
          'x-mooring-event': event,
          'x-mooring-delivery': id,
          ...(secret === undefined
            ? {}
            : { 'x-hub-signature-256': `sha256=${createHmac('sha256', secret).update(body).digest('hex')}` }),
        },
        body,
        signal: abort.signal,
      })
      await answer?.cancel()
      if (status >= 200 && status < 300) return { failure: undefined, isFinal: true }
      return {
        failure: `the receiver answered ${status}`,
        isFinal: status < 500 && status !== 408 && status !== 429,
      }
    } catch (error) {
      const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
      const failure = abort.signal.aborted ? 'no answer in time' : errorMessage(cause)
      return { failure, isFinal: false }
    } finally {
      cancel()
      closing.signal.removeEventListener('abort', onClosing)
    }
  }

  return {
    tell(happening) {
      if (closing.signal.aborted) return
      if (waiting.length >= mostWaiting) {
        waiting.splice(1, 1)
        onOutcome('dropped')
        log.warn({ waiting: mostWaiting }, 'too many notifications wait; the oldest is dropped')
      }
      waiting.push({
        apiVersion: 'mooring.dev/v1alpha1',
        kind: 'Notification',
        id: newID(),
        time: new Date(clock.now()).toISOString(),
        ...happening,
      })
      delivering ??= deliverAll()
    },
    async close() {
      closing.abort()
      await delivering
      if (waiting.length > 0) log.warn({ count: waiting.length }, 'notifications were not delivered')
    },
  }
}
