/**
 * The reflector's one promise: whatever happens to the API server, the connection or what it is told, it goes
 * on, and says since when what it told may be old.
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
import { describeCall } from './failures.ts'

export interface ReflectorOptions {
  readonly api: KubernetesApi
  readonly resource: Resource
  readonly selection: ListOptions
  readonly clock: Clock
  /** Uniform in [0, 1). */
  readonly random: () => number
  readonly log: Log
  /** Everything there is. */
  readonly onList: (objects: readonly KubernetesObject[]) => void
  readonly onEvent: (event: Exclude<WatchEvent, { type: 'BOOKMARK' }>) => void
  /** `state` gives something else. */
  readonly onState: () => void
}

export interface ReflectorState {
  /** Everything was listed once. */
  readonly hasSynced: boolean
  /** The API server was last heard of at this time; undefined before the first list. */
  readonly asOfMs: number | undefined
  /** What keeps it from following, and since when; undefined while it does. */
  readonly problem: { readonly sinceMs: number; readonly error: KubernetesError } | undefined
}

export interface Reflector {
  state(): ReflectorState
  /** Everything up to here was told; undefined before the first list, and before one that is due. */
  version(): string | undefined
  /** Resolves when nothing of it is left. */
  close(): Promise<void>
}

const pageSize = 500
/** The API server ends a watch within 5 to 10 min, as client-go asks it to; not all at once. */
const watchSeconds = 300
/** An API server that sends bookmarks sends one a minute: a connection silent for longer is not trusted. */
const silenceMs = 150_000
/** A watch that ends sooner without an event was not worth its request, and is not asked for at once. */
const shortestWatchMs = 1000
const firstRetryMs = 1000
const lastRetryMs = 30_000

export function startReflector(options: ReflectorOptions): Reflector {
  const { api, resource, selection, clock, random, log, onList, onEvent, onState } = options
  const title = describeCall({ verb: 'watch', resource, namespace: selection.namespace })
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

  /** One watch to its end. */
  async function watch(from: string): Promise<void> {
    const cut = new AbortController()
    const stop = () => cut.abort()
    // It may have ended while the list arrived.
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
    const startedAtMs = clock.now()
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
      log.debug({ watch: title, silenceMs }, 'watch was silent, and is opened again')
      return
    } finally {
      cancelSilence()
      closing.signal.removeEventListener('abort', stop)
    }
    if (events === 0 && clock.now() - startedAtMs < shortestWatchMs) {
      throw new KubernetesError(`${title}: the API server ends it at once`, {
        kind: 'transient',
        reason: 'WatchEnded',
      })
    }
    failures = 0
  }

  async function fail(error: unknown): Promise<void> {
    const met = asKubernetesError(error)
    // Another failure than the last is news of the API server: a row of it begins.
    failures = met.reason === lastReason ? failures + 1 : 1
    lastReason = met.reason
    // 1. The history does not reach back so far, or what came cannot be trusted: nothing but a list helps.
    if (met.code === 410 || met.reason === 'UnreadableAnswer') version = undefined
    const backoffMs = Math.min(lastRetryMs, firstRetryMs * 2 ** (failures - 1)) * (1 - random() / 2)
    // 2. The API server sheds load, and says for how long.
    const isBusy = met.code === 429 || met.code === 503
    const retryInMs = Math.round(isBusy ? Math.max(backoffMs, met.retryAfterMs ?? 0) : backoffMs)
    change({ problem: { sinceMs: state.problem?.sinceMs ?? clock.now(), error: met } })
    log.warn({ watch: title, reason: met.reason, error: met.message, retryInMs }, 'watch failed')
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
