import { signal } from '@preact/signals'
import type { ChangeEvent, HelloEvent, Topic } from '../../../src/wire/dashboard/session.ts'

/** `away`: what is shown is from before; the page goes on asking. */
export const connection = signal<'connecting' | 'live' | 'away'>('connecting')
/** Since when the operator does not answer. */
export const awaySinceMs = signal(0)

/** What changed. `keys` absent: anything may have. */
export interface Change {
  readonly topics: readonly Topic[] | 'all'
  readonly keys?: readonly string[]
}

const listeners = new Set<(change: Change) => void>()

/** @returns a function that ends it */
export function onChange(listener: (change: Change) => void): () => void {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

/** Lets every part of the page that is shown get its data again. */
export function announce(change: Change): void {
  for (const listener of listeners) listener(change)
}

const firstRetryMs = 500
const longestRetryMs = 5000
/** A connection may die without a word, such as when a laptop sleeps. */
const probeMs = 30_000

/**
 * Follows the operator's events for as long as the page is open. Its end is the end of the page, so nothing closes it.
 * EventSource gives up after some failures, so each connection is a new one.
 */
export function followEvents(options: {
  /** @returns whether the operator answers, whoever asks */
  readonly isThere: () => Promise<boolean>
}): void {
  const { isThere } = options
  let retryMs = firstRetryMs
  let version: string | undefined
  connect()

  function connect() {
    const events = new EventSource('/api/events')
    let isLost = false
    const probe = setInterval(() => {
      if (document.visibilityState !== 'visible') return
      void isThere().then((answers) => {
        if (!answers) lose()
      })
    }, probeMs)
    events.addEventListener('hello', (event) => {
      retryMs = firstRetryMs
      const hello = JSON.parse(event.data) as HelloEvent // As the operator's schema says.
      const isKnown = version === hello.version
      version = hello.version
      connection.value = 'live'
      if (!isKnown) announce({ topics: 'all' })
    })
    events.addEventListener('change', (event) => {
      const { topics, keys, version: newest } = JSON.parse(event.data) as ChangeEvent // As the operator's schema says.
      version = newest
      announce(keys === undefined ? { topics } : { topics, keys })
    })
    events.addEventListener('bye', lose)
    events.addEventListener('error', lose)

    function lose() {
      if (isLost) return
      isLost = true
      clearInterval(probe)
      events.close()
      // Whoever is not logged in gets no events, although the operator is there.
      void isThere().then((answers) => {
        if (!answers && connection.value !== 'away') awaySinceMs.value = Date.now()
        connection.value = answers ? 'connecting' : 'away'
      })
      setTimeout(connect, retryMs)
      retryMs = Math.min(longestRetryMs, retryMs * 1.6)
    }
  }
}
