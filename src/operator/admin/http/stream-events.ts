import type { FastifyReply, FastifyRequest } from 'fastify'
import { type EventStreams, mostStreams } from './event-stream.ts'
import { sendFailure } from './register-api.ts'

/** What a reader does not take within this much is not kept for it: it comes back, and gets what it missed. */
const mostUnreadBytes = 1_000_000

/** Sends events until the reader goes, is too slow, or may no longer read. */
export function streamEvents(
  streams: EventStreams,
  request: FastifyRequest,
  reply: FastifyReply,
  isAllowed: () => boolean,
) {
  const { raw } = reply
  const last = request.headers['last-event-id']
  let isOpen = false
  const end = streams.open(
    {
      write(text) {
        if (!isOpen) {
          isOpen = true
          for (const [name, value] of Object.entries(reply.getHeaders()))
            if (value !== undefined) raw.setHeader(name, value)
          raw.writeHead(200, {
            'content-type': 'text/event-stream',
            'cache-control': 'no-store',
            // A proxy such as nginx passes each event on at once.
            'x-accel-buffering': 'no',
          })
        }
        raw.write(text)
        return raw.writableLength < mostUnreadBytes
      },
      isAllowed,
      close: () => raw.end(),
    },
    Array.isArray(last) ? last[0] : last,
  )
  if (end === undefined)
    return sendFailure(reply, 503, `more than ${mostStreams} pages are open already: close some`)
  reply.hijack()
  raw.once('close', end)
  return reply
}
