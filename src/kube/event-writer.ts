/**
 * Writes Events about objects. A repetition raises the count of the Event that is there. No pass waits for an Event
 * or fails because of one. The limits are those of client-go (tools/record).
 */
import { createHash } from 'node:crypto'
import PQueue from 'p-queue'
import { type Clock, delay } from '../lib/clock.ts'
import { errorMessage } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import type { KubernetesApi } from './api.ts'
import { apiVersionOf, events } from './resources.ts'

/** The object that an Event is about. */
export interface EventSubject {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly uid?: string }
}

export interface EventNote {
  readonly type: 'Normal' | 'Warning'
  /** CamelCase. */
  readonly reason: string
  readonly message: string
}

export interface EventWriter {
  /** Written soon. Dropped where its object has too many, or the API server refuses it. */
  record(about: EventSubject, note: EventNote): void
  /** Writes what is waiting, as far as that goes within 5 s. Events that are recorded later are dropped. */
  close(): Promise<void>
}

export interface EventWriterOptions {
  readonly api: KubernetesApi
  /** The name of this replica. */
  readonly instance: string
  readonly clock: Clock
  readonly log: Log
}

const component = 'mooring'
/** A repetition within this time is counted. A later one becomes an Event of its own. */
const aggregationMs = 600_000
/** Writes about one object: so many at once, and then one each `refillMs`. */
const burst = 25
const refillMs = 300_000
/** Repetitions within this time become one write. */
const gatherMs = 1000
const writesAtOnce = 4
const closeMs = 5000
const longestMessage = 1024
/** Entries in memory. Beyond that the oldest are forgotten. */
const remembered = 5000

interface Entry {
  readonly about: EventSubject
  readonly note: EventNote
  readonly name: string
  readonly firstAtMs: number
  lastAtMs: number
  /** The monotonic time of the last one. */
  lastMonotonicMs: number
  count: number
}

interface Budget {
  tokens: number
  atMs: number
}

export function createEventWriter({ api, instance, clock, log }: EventWriterOptions): EventWriter {
  const entries = new Map<string, Entry>()
  const budgets = new Map<string, Budget>()
  const waiting = new Map<Entry, Entry>()
  const queue = new PQueue({ concurrency: writesAtOnce })
  const closing = new AbortController()
  const cut = new AbortController()
  let writing: Promise<void> | undefined

  function entryOf(about: EventSubject, note: EventNote): Entry {
    const now = clock.now()
    const lastMonotonicMs = clock.monotonicMs()
    const key = JSON.stringify([identityOf(about), note.type, note.reason, note.message])
    const known = entries.get(key)
    entries.delete(key)
    const entry =
      known && lastMonotonicMs - known.lastMonotonicMs < aggregationMs
        ? known
        : {
            about,
            note,
            name: nameOf(about, key, now),
            firstAtMs: now,
            lastAtMs: now,
            lastMonotonicMs,
            count: 0,
          }
    dropOldest(entries).set(key, entry)
    return entry
  }

  /** Counts one more write about the object. @returns whether that is within its limit */
  function spend(about: EventSubject): boolean {
    const key = identityOf(about)
    const now = clock.monotonicMs()
    const { tokens, atMs } = budgets.get(key) ?? { tokens: burst, atMs: now }
    const refilled = Math.min(burst, tokens + (now - atMs) / refillMs)
    budgets.delete(key)
    dropOldest(budgets).set(key, { tokens: refilled < 1 ? refilled : refilled - 1, atMs: now })
    return refilled >= 1
  }

  async function write(entry: Entry): Promise<void> {
    if (cut.signal.aborted) return
    try {
      // One call creates it or raises its count. Forced, because no other manager has a say in it.
      const options = { fieldManager: component, force: true }
      await api.apply(events, toEvent(entry, instance), options, cut.signal)
    } catch (error) {
      // The status says the same, so a lost Event does little harm.
      log.debug({ reason: entry.note.reason, error: errorMessage(error) }, 'an event was not written')
    }
  }

  async function writeWaiting(): Promise<void> {
    while (waiting.size > 0) {
      await delay(clock, gatherMs, closing.signal)
      const due = [...waiting.keys()].filter(({ about }) => spend(about))
      waiting.clear()
      await queue.addAll(due.map((entry) => () => write(entry)))
    }
    writing = undefined
  }

  return {
    record(about, note) {
      if (closing.signal.aborted) return
      const entry = entryOf(about, { ...note, message: note.message.slice(0, longestMessage) })
      entry.count += 1
      entry.lastAtMs = clock.now()
      entry.lastMonotonicMs = clock.monotonicMs()
      dropOldest(waiting).set(entry, entry)
      writing ??= writeWaiting()
    },
    async close() {
      closing.abort()
      const cancel = clock.after(closeMs, () => cut.abort())
      await writing
      cancel()
    },
  }
}

function dropOldest<Key, Value>(map: Map<Key, Value>): Map<Key, Value> {
  if (map.size >= remembered) {
    const [oldest] = map.keys()
    if (oldest !== undefined) map.delete(oldest)
  }
  return map
}

function identityOf({ kind, metadata }: EventSubject): string {
  return JSON.stringify([kind, metadata.namespace, metadata.name, metadata.uid])
}

/** `<object>.<something unique>`, as client-go names Events, within 253 characters. */
function nameOf({ metadata }: EventSubject, key: string, now: number): string {
  const hash = createHash('sha256').update(`${key}${now}`).digest('hex').slice(0, 16)
  return `${metadata.name.slice(0, 230).replace(/[^a-z0-9]+$/, '')}.${hash}`
}

function toEvent({ about, note, name, firstAtMs, lastAtMs, count }: Entry, instance: string) {
  const { metadata } = about
  return {
    apiVersion: apiVersionOf(events),
    kind: events.kind,
    // client-go puts the Events of cluster-scoped objects into this namespace.
    metadata: { name, namespace: metadata.namespace ?? 'default' },
    involvedObject: { apiVersion: about.apiVersion, kind: about.kind, ...pick(metadata) },
    ...note,
    count,
    firstTimestamp: timestamp(firstAtMs),
    lastTimestamp: timestamp(lastAtMs),
    source: { component },
    reportingComponent: component,
    reportingInstance: instance,
  }
}

function pick({ name, namespace, uid }: EventSubject['metadata']) {
  return { name, ...(namespace !== undefined && { namespace }), ...(uid !== undefined && { uid }) }
}

function timestamp(timeMs: number): string {
  return new Date(timeMs).toISOString().replace(/\.\d+Z$/, 'Z')
}
