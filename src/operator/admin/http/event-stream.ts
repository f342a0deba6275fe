import type { Clock } from '../../../lib/clock.ts'
import type { ChangeEvent, HelloEvent, Topic } from '../../../wire/dashboard/session.ts'
import type { Pages } from '../pages/pages.ts'

/** Changes within this time are one event. */
const togetherMs = 250
/** How often it looks whether this replica began or ceased to lead. */
const lookMs = 1_000
/** A comment goes out at each of so many looks. */
const looksPerBeat = 15
/** More keys than these are not told one by one. */
const mostKeys = 100
/** So many events are known to whoever comes back. */
const mostKept = 256
export const mostStreams = 500

/** Where a stream's text goes. */
export interface StreamSink {
  /** Never blocks. @returns false: its reader is too slow */
  write(text: string): boolean
  /** Whether its reader may still read. */
  isAllowed(): boolean
  close(): void
}

export interface EventStreams {
  /** Of the API's answers: `<epoch>.<number>`. */
  version(): string
  /** @returns undefined: there are too many already. Otherwise ends the stream */
  open(sink: StreamSink, lastEventID: string | undefined): (() => void) | undefined
  close(): void
}

/**
 * Server-sent events that say what changed, not how. One text is made for all who listen, and nothing is done while
 * nothing changes, but a comment every quarter of a minute.
 * @param epoch of this process: numbers of another one mean nothing here
 */
export function createEventStreams(options: {
  readonly pages: Pick<Pages, 'onChange' | 'refresh' | 'told'>
  readonly epoch: string
  readonly clock: Pick<Clock, 'after'>
}): EventStreams {
  const { pages, epoch, clock } = options
  let number = 1
  let topics = new Set<Topic>()
  let keys: Set<string> | undefined = new Set()
  let cancelFlush: (() => void) | undefined
  let cancelLook: (() => void) | undefined
  let looks = 0
  const kept: { readonly number: number; readonly change: ChangeEvent }[] = []
  const sinks = new Set<StreamSink>()
  const versionOf = (of: number) => `${epoch}.${of}`

  const stop = pages.onChange(({ keys: changed, topics: of, cluster }) => {
    number += 1
    for (const topic of of) topics.add(topic)
    if (changed === undefined) keys = undefined
    for (const key of changed ?? []) keys?.add(cluster === undefined ? key : `${key}@${cluster}`)
    if (keys !== undefined && keys.size > mostKeys) keys = undefined
    cancelFlush ??= clock.after(togetherMs, flush)
  })

  function flush() {
    cancelFlush = undefined
    pages.told(sinks.size > 0)
    const change = { version: versionOf(number), topics: [...topics], ...(keys && { keys: [...keys] }) }
    topics = new Set()
    keys = new Set()
    kept.push({ number, change })
    if (kept.length > mostKept) kept.shift()
    sendToAll(eventText('change', change, change.version))
  }

  function sendToAll(text: string) {
    for (const sink of sinks) if (!sink.write(text)) sink.close()
  }

  function look() {
    pages.refresh()
    looks += 1
    if (looks % looksPerBeat === 0) beat()
    cancelLook = sinks.size === 0 ? undefined : clock.after(lookMs, look)
  }

  function beat() {
    for (const sink of sinks) {
      if (sink.isAllowed()) continue
      sink.write(eventText('bye', {}))
      sink.close()
    }
    sendToAll(': beat\n\n')
  }

  /** What was missed since the event; undefined: that is not known. */
  function missedSince(lastEventID: string | undefined): ChangeEvent[] | undefined {
    const [of, text = ''] = lastEventID?.split('.') ?? []
    const last = Number(text)
    if (of !== epoch || !Number.isSafeInteger(last)) return undefined
    const isKnown = last >= number || kept.some((each) => each.number === last)
    return isKnown ? kept.filter((each) => each.number > last).map(({ change }) => change) : undefined
  }

  return {
    version: () => versionOf(number),
    open(sink, lastEventID) {
      if (sinks.size >= mostStreams) return undefined
      const missed = missedSince(lastEventID)
      const hello: HelloEvent = { version: versionOf(number), isReset: missed === undefined }
      sink.write(`retry: 1000\n${eventText('hello', hello, hello.version)}`)
      for (const change of missed ?? []) sink.write(eventText('change', change, change.version))
      sinks.add(sink)
      pages.told(true)
      cancelLook ??= clock.after(lookMs, look)
      return () => {
        sinks.delete(sink)
        if (sinks.size === 0) pages.told(false)
      }
    },
    close() {
      stop()
      cancelFlush?.()
      cancelLook?.()
      sendToAll(eventText('bye', {}))
      for (const sink of sinks) sink.close()
    },
  }
}

/** JSON has no line breaks outside of texts, and escapes those within. */
function eventText(event: string, data: object, id?: string): string {
  return `event: ${event}\n${id === undefined ? '' : `id: ${id}\n`}data: ${JSON.stringify(data)}\n\n`
}
