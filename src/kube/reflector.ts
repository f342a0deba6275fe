/**
 * Lists all objects of a resource and then watches them, whatever happens to the API server or the connection. Its
 * state says since when the objects may be out of date.
 *
 *   listing ──ok──▶ watching ──ended, silent, cut──▶ watching (from the last version)
 *      ▲               │
 *      └── back off ◀──┴── version expired (410), unreadable event: list again
 */
import { type Clock, delay } from '../lib/clock.ts'
import { errorMessage, toOperationError } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import { readPages } from '../lib/read-pages.ts'
import {
  type KubernetesApi,
  KubernetesError,
  type KubernetesObject,
  type ListOptions,
  type Resource,
  type WatchEvent,
} from './api.ts'
import { titleOf } from './failures.ts'

export interface ReflectorOptions {
  readonly api: KubernetesApi
  readonly resource: Resource
  readonly selection: ListOptions
  readonly clock: Clock
  /** Uniform in [0, 1). */
  readonly random: () => number
  readonly log: Log
  /** Called with all objects. */
  readonly onList: (objects: readonly KubernetesObject[]) => void
  readonly onEvent: (event: Exclude<WatchEvent, { type: 'BOOKMARK' }>) => void
  /** Called after `state` has changed. */
  readonly onState: () => void
}

export interface ReflectorState {
  /** Everything was listed once. */
  readonly hasSynced: boolean
  /** When the API server last sent something; undefined before the first list. */
  readonly asOfMs: number | undefined
  /** Why it is not watching, and since when; undefined while it is. */
  readonly problem: { readonly sinceMs: number; readonly error: KubernetesError } | undefined
}

export interface Reflector {
  state(): ReflectorState
  /** All changes up to this version were reported; undefined before a list. */
  version(): string | undefined
  /** Resolves when nothing of it runs any more. */
  close(): Promise<void>
}

const pageSize = 500
/** The API server ends a watch after 5 to 10 min, as with client-go, so that not all end at once. */
const watchSeconds = 300
/** An API server sends a bookmark each minute. A connection that is silent for longer counts as lost. */
const silenceMs = 150_000
/** A watch that ends sooner, without an event, counts as a failure: it is not opened again at once. */
const shortestWatchMs = 1000
const firstRetryMs = 1000
const lastRetryMs = 30_000

export function startReflector(options: ReflectorOptions): Reflector {
  const { api, resource, selection, clock, random, log, onList, onEvent, onState } = options
  const title = titleOf({ verb: 'watch', resource, namespace: selection.namespace })
  const closing = new AbortController()
  let version: string | undefined
  let state: ReflectorState = { hasSynced: false, asOfMs: undefined, problem: undefined }
  let failures = 0
  let lastReason: string | undefined

  function change(next: Partial<ReflectorState>) {
    state = { ...state, ...next }
    onState()
  }

  async function list(): Promise<string> {
    const startedAtMs = clock.now()
    let resourceVersion = ''
    const objects = await readPages(async (continueToken) => {
      const page = await api.list(
        resource,
        { ...selection, limit: pageSize, ...(continueToken !== '' && { continueToken }) },
        closing.signal,
      )
      resourceVersion = page.resourceVersion
      return { items: page.items, nextToken: page.continueToken }
    })
    onList(objects)
    change({ hasSynced: true, asOfMs: startedAtMs })
    return resourceVersion
  }

  /** Runs one watch to its end. */
  async function watch(from: string): Promise<void> {
    const cut = new AbortController()
    const stop = () => cut.abort()
    // The reflector may have been closed while the list arrived.
    if (closing.signal.aborted) stop()
    closing.signal.addEventListener('abort', stop)
    let isSilent = false
    let cancelSilence = () => {}
    const heard = () => {
      cancelSilence()
      cancelSilence = clock.after(silenceMs, () => {
        isSilent = true
        stop()
      })
    }
    const openedAtMs = clock.monotonicMs()
    let events = 0
    heard()
    try {
      const timeoutSeconds = Math.round(watchSeconds * (1 + random()))
      const stream = api.watch(
        resource,
        { ...selection, resourceVersion: from, timeoutSeconds },
        cut.signal,
        () => change({ problem: undefined }),
      )
      for await (const event of stream) {
        heard()
        events += 1
        failures = 0
        if (event.type === 'BOOKMARK') version = event.resourceVersion
        else {
          onEvent(event)
          version = event.object.metadata.resourceVersion ?? version
        }
        state = { ...state, asOfMs: clock.now() }
      }
    } catch (error) {
      if (!isSilent) throw error
      log.debug({ watch: title, silenceMs }, 'the watch was silent for too long and is opened again')
      return
    } finally {
      cancelSilence()
      closing.signal.removeEventListener('abort', stop)
    }
    if (events === 0 && clock.monotonicMs() - openedAtMs < shortestWatchMs) {
      throw new KubernetesError(`${title}: the API server ends the watch at once`, {
        kind: 'transient',
        reason: 'WatchEnded',
      })
    }
    failures = 0
  }

  async function fail(error: unknown): Promise<void> {
    const met = asKubernetesError(error)
    // Another reason than last time: the delay starts over.
    failures = met.reason === lastReason ? failures + 1 : 1
    lastReason = met.reason
    // 1. The API server no longer has this version, or sent something unreadable: only a new list helps.
    if (met.code === 410 || met.reason === 'UnreadableAnswer') version = undefined
    const backoffMs = Math.min(lastRetryMs, firstRetryMs * 2 ** (failures - 1)) * (1 - random() / 2)
    // 2. The API server is overloaded and says how long to wait.
    const isBusy = met.code === 429 || met.code === 503
    const retryInMs = Math.round(isBusy ? Math.max(backoffMs, met.retryAfterMs ?? 0) : backoffMs)
    change({ problem: { sinceMs: state.problem?.sinceMs ?? clock.now(), error: met } })
    log.warn(
      { watch: title, reason: met.reason, error: met.message, retryInMs },
      'the watch failed and is tried again',
    )
    await delay(clock, retryInMs, closing.signal)
  }

  async function run(): Promise<void> {
    while (!closing.signal.aborted) {
      try {
        version ??= await list()
        await watch(version)
      } catch (error) {
        if (!closing.signal.aborted) await fail(error)
      }
    }
  }

  const ended = run()
  return {
    state: () => state,
    version: () => version,
    close() {
      closing.abort()
      return ended
    },
  }
}

function asKubernetesError(error: unknown): KubernetesError {
  if (error instanceof KubernetesError) return error
  const { kind, reason } = toOperationError(error)
  return new KubernetesError(errorMessage(error), { kind, reason, cause: error })
}
