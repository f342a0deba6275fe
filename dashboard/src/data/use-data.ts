import { type Signal, signal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import type { Topic } from '../../../src/wire/dashboard/session.ts'
import { type Change, connection, onChange } from './live.ts'
import { get, RequestFailure } from './request.ts'

interface Entry {
  readonly data: Signal<unknown>
  readonly failure: Signal<RequestFailure | undefined>
  isOld: boolean
  /** When it was asked for last, by the page's monotonic clock. */
  askedMs: number
  isAsking: boolean
  isAskedAgain: boolean
}

/** What was shown lately is shown again at once, and is asked for behind it. */
const entries = new Map<string, Entry>()
const mostEntries = 40
/** Changes that come close together are one request. */
const pauseMs = 50
/** While something changes all the time, nothing is asked for more often. */
const leastIntervalMs = 900

function entryOf(path: string): Entry {
  const found = entries.get(path)
  if (found !== undefined) {
    entries.delete(path)
    entries.set(path, found)
    return found
  }
  const entry: Entry = {
    data: signal(undefined),
    failure: signal(undefined),
    isOld: true,
    askedMs: Number.NEGATIVE_INFINITY,
    isAsking: false,
    isAskedAgain: false,
  }
  entries.set(path, entry)
  const [oldest] = entries.keys()
  if (entries.size > mostEntries && oldest !== undefined) entries.delete(oldest)
  return entry
}

async function ask(path: string, entry: Entry): Promise<void> {
  if (entry.isAsking) {
    entry.isAskedAgain = true
    return
  }
  entry.isAsking = true
  entry.isOld = false
  entry.askedMs = performance.now()
  try {
    entry.data.value = await get(path)
    entry.failure.value = undefined
  } catch (error) {
    entry.isOld = true
    entry.failure.value = error instanceof RequestFailure ? error : new RequestFailure(0, String(error))
  } finally {
    entry.isAsking = false
  }
  if (!entry.isAskedAgain) return
  entry.isAskedAgain = false
  setTimeout(() => void ask(path, entry), untilNext(entry))
}

function untilNext({ askedMs }: Entry): number {
  return Math.max(pauseMs, askedMs + leastIntervalMs - performance.now())
}

export interface Shown<Answer> {
  /** Undefined: there was no answer yet. While another page of a table comes, the one before. */
  readonly data: Answer | undefined
  readonly failure: RequestFailure | undefined
  /** Whether `data` answer the path that was asked for last. */
  readonly isCurrent: boolean
}

/**
 * The answer of the operator's API for a path. It is asked for again when one of the topics changes, and when the operator
 * is back. Nothing is asked for while the page is hidden: it catches up when it is seen again.
 * @param concerns whether a change of these topics matters; left out: always
 */
export function useData<Answer>(
  path: string,
  topics: readonly Topic[],
  concerns?: (keys: readonly string[]) => boolean,
): Shown<Answer> {
  const entry = entryOf(path)
  const before = useRef<{ readonly group: string; readonly data: unknown }>(undefined)
  const concernsNow = useRef(concerns)
  concernsNow.current = concerns

  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined
    const askSoon = () => {
      entry.isOld = true
      if (document.visibilityState === 'hidden') return
      timer ??= setTimeout(() => {
        timer = undefined
        void ask(path, entry)
      }, untilNext(entry))
    }
    const hear = ({ topics: changed, keys }: Change) => {
      if (changed === 'all') return askSoon()
      if (!topics.some((topic) => changed.includes(topic))) return
      if (keys !== undefined && concernsNow.current?.(keys) === false) return
      askSoon()
    }
    const see = () => {
      if (document.visibilityState === 'visible' && entry.isOld) askSoon()
    }
    // What another part of the page got while it followed the events is current.
    void ask(path, entry)
    const end = onChange(hear)
    document.addEventListener('visibilitychange', see)
    return () => {
      end()
      clearTimeout(timer)
      document.removeEventListener('visibilitychange', see)
    }
  }, [path])

  const own = entry.data.value as Answer | undefined // As the caller says of the path.
  const group = path.split('?')[0] ?? path
  if (own !== undefined) before.current = { group, data: own }
  const last = before.current?.group === group ? before.current.data : undefined
  return {
    data: own ?? (last as Answer | undefined), // Of the same route, so of the same shape.
    // While the operator is away the banner says so once.
    failure:
      connection.value === 'away' && entry.failure.value?.status === 0 ? undefined : entry.failure.value,
    isCurrent: own !== undefined,
  }
}
