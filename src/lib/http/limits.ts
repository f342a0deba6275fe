import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Server, Socket } from 'node:net'

/** How much of the server one client, and all together, may take. Beyond it a request is refused. */
export interface Limits {
  /** Of a body: 413. */
  readonly bodyBytes: number
  /** Of the request line and all headers together: 431. */
  readonly headerBytes: number
  /** Connections of one address at once, blocked queries included: 429, as Nomad's. */
  readonly connectionsPerClient: number
  /** Requests of all clients at once, blocked queries included: 503. */
  readonly requestsInFlight: number
}

export const defaultLimits: Limits = {
  bodyBytes: 4 * 1024 * 1024,
  headerBytes: 32 * 1024,
  connectionsPerClient: 100,
  requestsInFlight: 4096,
}

/** How long a client may take to send what it sends: whole headers, a whole request, a TLS handshake. */
export const slownessLimits = {
  headersTimeoutMs: 20_000,
  requestTimeoutMs: 120_000,
  handshakeTimeoutMs: 10_000,
} as const

const tooManyConnections =
  'Your IP is issuing too many concurrent connections, please rate limit your calls\n'
const rawTooManyConnections = [
  'HTTP/1.1 429 Too Many Requests',
  'Content-Type: text/plain; charset=utf-8',
  `Content-Length: ${tooManyConnections.length}`,
  'Connection: close',
  '',
  tooManyConnections,
].join('\r\n')

/**
 * Counts the connections of each address, and answers those beyond `most` before a byte of them is read. Called
 * once for each listening server; all share the count.
 */
export function createConnectionLimit(most: number): (server: Server, isTls: boolean) => void {
  const open = new Map<string, number>()
  // A TLS connection is counted when it arrives, and can be answered only once it has shaken hands.
  const refused = new Set<string>()
  const refuse = (socket: Socket) => {
    // What the client does with it is not ours to know.
    socket.on('error', () => {})
    socket.end(rawTooManyConnections, () => socket.destroy())
  }
  return (server, isTls) => {
    server.prependListener('connection', (socket: Socket) => {
      const client = socket.remoteAddress ?? ''
      const port = `${client} ${socket.remotePort}`
      const count = (open.get(client) ?? 0) + 1
      open.set(client, count)
      if (count > most && isTls) refused.add(port)
      else if (count > most) refuse(socket)
      socket.once('close', () => {
        refused.delete(port)
        const rest = (open.get(client) ?? 1) - 1
        if (rest === 0) open.delete(client)
        else open.set(client, rest)
      })
    })
    server.prependListener('secureConnection', (socket: Socket) => {
      if (refused.has(`${socket.remoteAddress ?? ''} ${socket.remotePort}`)) refuse(socket)
    })
  }
}

/**
 * Counts requests from their headers to the end of their answers. One address, and one token where tokens count, has at
 * most half of them, so that the other half is there for everybody else. The returned function says whether one more fits.
 */
export function createRequestLimit(
  most: number,
  tokensCount: boolean,
): (request: IncomingMessage, response: ServerResponse) => boolean {
  let inFlight = 0
  const counts = new Map<string, number>()
  const mostOfOne = Math.max(1, Math.floor(most / 2))
  return ({ headers, socket }, response) => {
    const token = headers['x-nomad-token'] || headers.authorization
    const clients = [`${socket.remoteAddress}`, ...(tokensCount && token ? [`token ${token}`] : [])]
    inFlight++
    for (const client of clients) counts.set(client, (counts.get(client) ?? 0) + 1)
    const fits = inFlight <= most && clients.every((client) => (counts.get(client) ?? 0) <= mostOfOne)
    response.once('close', () => {
      inFlight--
      for (const client of clients) {
        const rest = (counts.get(client) ?? 1) - 1
        if (rest === 0) counts.delete(client)
        else counts.set(client, rest)
      }
    })
    return fits
  }
}
