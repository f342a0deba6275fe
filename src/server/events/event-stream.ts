import { type Clock, delay } from '../../lib/clock.ts'
import { ApiError } from '../errors.ts'
import type { ApiRequest } from '../http/api.ts'
import type { State } from '../state/state.ts'
import { type Event, type EventBatch, type EventQuery, isAskedFor, maySee, requireFollow } from './event.ts'

/** As many batches as Nomad keeps (event_buffer_size). A reader that falls further behind is told so. */
const mostBatches = 100
/** As Nomad's. */
const heartbeatMs = 30_000
const heartbeat = '{}\n'

type Access = ApiRequest['access']

/** The events of the last writes. They are kept in memory alone, as Nomad's are. */
export interface EventStream {
  /**
   * Lines for one reader: a heartbeat, the batches from the index asked for (or from the first that is still there) that
   * it may see, and each that follows, with a heartbeat in every silence. Ends when the reader is gone or the server
   * closes; with a line that says why where the reader is too slow, or its token has ended.
   */
  read(query: EventQuery, access: Access, signal: AbortSignal): AsyncGenerator<string>
}

/** @param eventsOf within each write, its events */
export function createEventStream(
  state: Pick<State, 'follow' | 'settled'>,
  eventsOf: (changes: Parameters<Parameters<State['follow']>[0]>[0]) => readonly Event[],
  clock: Clock,
): EventStream {
  const batches: EventBatch[] = []
  /** The place of the first batch that is still there, among all that there ever were. */
  let first = 0
  let news = Promise.withResolvers<void>()
  state.follow((changes, index) => {
    const events = eventsOf(changes)
    if (events.length === 0) return
    batches.push({ index, events })
    if (batches.length > mostBatches) {
      batches.shift()
      first++
    }
    news.resolve()
    news = Promise.withResolvers()
  })

  async function* follow(begin: number, query: EventQuery, access: Access, signal: AbortSignal) {
    const over = new AbortController()
    const ended = AbortSignal.any([signal, over.signal])
    const nextBeat = () => delay(clock, heartbeatMs, ended).then(() => true)
    let beat = nextBeat()
    let next = begin
    try {
      yield heartbeat
      while (!signal.aborted) {
        // A batch is written while this one goes out: where the reader takes it slowly, the buffer goes on without it.
        if (next < first) throw new ApiError(500, 'subscription closed by server, client should resubscribe')
        const batch = batches[next - first]
        const isBeat = batch === undefined && (await Promise.race([beat, news.promise.then(() => false)]))
        if (signal.aborted) return
        requireFollow(access, query)
        if (isBeat) {
          yield heartbeat
          beat = nextBeat()
        }
        if (batch === undefined) continue
        next++
        const line = write(batch, query, access)
        // An event goes out only when its write is on the disk.
        await state.settled()
        if (line !== undefined) yield line
      }
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
      // As Nomad: what would have been the answer is the last line.
      yield `${error.message}\n`
    } finally {
      over.abort()
    }
  }

  return {
    read(query, access, signal) {
      const since = batches.findIndex(({ index }) => index >= query.index)
      return follow(first + (since < 0 ? batches.length : since), query, access, signal)
    },
  }
}

/** One line of a batch; undefined: nothing of it is for this reader. */
function write({ index, events }: EventBatch, query: EventQuery, access: Access): string | undefined {
  const seen = events.filter(
    (event) => isAskedFor(event, query) && maySee(access, event.topic, event.namespace || query.namespace),
  )
  if (seen.length === 0) return undefined
  const lines = seen.map(({ topic, type, key, namespace, filterKeys, payload }) => {
    const head = {
      Topic: topic,
      Type: type,
      Key: key,
      Namespace: namespace,
      FilterKeys: filterKeys,
      Index: index,
    }
    return `${JSON.stringify(head).slice(0, -1)},"Payload":${payload()}}`
  })
  return `{"Index":${index},"Events":[${lines.join()}]}\n`
}
