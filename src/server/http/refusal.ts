import type { OutgoingHttpHeaders } from 'node:http'
import { errorMessage } from '../../lib/errors.ts'
import type { Log } from '../../lib/log.ts'
import { ApiError } from '../errors.ts'

/** A failure as an answer: plain text, as Nomad's. */
export interface Refusal {
  readonly status: number
  readonly headers: OutgoingHttpHeaders
  readonly text: string
}

/**
 * The one place where a failure becomes an answer. An unexpected failure is logged whole, and its text is not sent.
 */
export function refusalOf(error: unknown, log: Log): Refusal {
  if (error instanceof ApiError) {
    const { status, message, index } = error
    return { status, headers: indexHeaders(index), text: withoutStray404(status, message) }
  }
  // Fastify's own refusals: a body that is too large, a length that does not match.
  const status = (error as { statusCode?: number }).statusCode
  if (status !== undefined && status >= 400 && status < 500) {
    return { status, headers: {}, text: withoutStray404(status, errorMessage(error)) }
  }
  log.error({ err: error }, 'a request failed unexpectedly')
  return { status: 500, headers: {}, text: 'internal server error' }
}

/** Of an answer that has an index. */
export const indexHeaders = (index: number | undefined): OutgoingHttpHeaders =>
  index === undefined
    ? {}
    : { 'X-Nomad-Index': String(index), 'X-Nomad-LastContact': '0', 'X-Nomad-KnownLeader': 'true' }

/**
 * Nomad's clients take any error text with "404" in it for "not found", so an ID that holds these digits
 * must not bring them into another error; there it is written with one digit percent-encoded.
 */
const withoutStray404 = (status: number, message: string) =>
  status === 404 ? message : message.replaceAll('404', '4%304')
