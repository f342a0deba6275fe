import type { ServerContext } from '../context.ts'
import { parseEventQuery, requireFollow } from '../events/event.ts'
import { createEventStream } from '../events/event-stream.ts'
import { eventsOf } from '../events/events-of.ts'
import type { Resource } from '../http/api.ts'

/** The event stream. It tells of changes at once; what exists is in the lists. */
export function eventRoutes(context: ServerContext): Resource[] {
  const stream = createEventStream(context.state, (changes) => eventsOf(context, changes), context.clock)
  return [
    {
      path: '/v1/event/stream',
      GET: ({ query, access, signal }) => {
        const asked = parseEventQuery(query)
        requireFollow(access, asked)
        return { lines: stream.read(asked, access, signal) }
      },
    },
  ]
}
