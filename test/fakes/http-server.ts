import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { TlsOptions } from 'node:tls'

export interface ReceivedRequest {
  readonly method: string
  /** Decoded path, without the query. */
  readonly path: string
  readonly query: URLSearchParams
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

export interface Answer {
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  /** A string as it is; anything else as JSON. */
  readonly body?: unknown
}

export type Answerer = (
  request: ReceivedRequest,
  response: ServerResponse,
) => Answer | undefined | Promise<Answer | undefined>

export interface FakeServer {
  readonly address: string
  readonly requests: ReceivedRequest[]
  /** Connections open now. */
  connections(): Promise<number>
  /** The most that were open at once. */
  mostConnections(): number
  close(): Promise<void>
}

/** A real HTTP server on loopback, or on a unix socket. `answer` returns what to say, or undefined where it handles the response itself. */
export async function startHttpServer(
  answer: Answerer,
  { tls, socketPath }: { readonly tls?: TlsOptions; readonly socketPath?: string } = {},
): Promise<FakeServer> {
  const requests: ReceivedRequest[] = []
  const listener = async (message: IncomingMessage, response: ServerResponse) => {
    const url = new URL(message.url ?? '/', 'http://fake')
    const chunks: Buffer[] = []
    for await (const chunk of message) chunks.push(chunk)
    const request: ReceivedRequest = {
      method: message.method ?? '',
      path: decodeURIComponent(url.pathname),
      query: url.searchParams,
      headers: message.headers,
      body: Buffer.concat(chunks).toString(),
    }
    requests.push(request)
    const reply = await answer(request, response)
    if (!reply || response.destroyed) return
    response.writeHead(reply.status ?? 200, reply.headers)
    response.end(typeof reply.body === 'string' ? reply.body : JSON.stringify(reply.body ?? ''))
  }
  const server = tls === undefined ? createServer(listener) : createTlsServer(tls, listener)
  let open = 0
  let most = 0
  server.on('connection', (socket) => {
    most = Math.max(most, ++open)
    socket.once('close', () => --open)
  })
  await new Promise<void>((resolve) =>
    socketPath === undefined ? server.listen(0, '127.0.0.1', resolve) : server.listen(socketPath, resolve),
  )
  const addressOf = ({ port }: AddressInfo) => `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`
  return {
    address: socketPath === undefined ? addressOf(server.address() as AddressInfo) : `unix://${socketPath}`,
    mostConnections: () => most,
    requests,
    connections: () =>
      new Promise((resolve, reject) =>
        server.getConnections((error, count) => (error ? reject(error) : resolve(count))),
      ),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
