import { Agent, type IncomingHttpHeaders, request } from 'node:http'

/** An answer, read whole. */
export interface SocketAnswer {
  readonly statusCode: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
}

export interface SocketRequest {
  readonly method: 'GET' | 'POST'
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

/**
 * HTTP over a unix socket, without a time limit: some answers take as long as the work that they wait for. Commands use it to
 * ask the operator. Node's own client is enough for that, and undici would take most of the time that they start in.
 */
export function connectSocket(socketPath: string): {
  /** @throws the error of the socket, with its code */
  send(path: string, options: SocketRequest): Promise<SocketAnswer>
  /** Ends all connections. Requests in flight fail. */
  close(): void
} {
  const agent = new Agent({ keepAlive: true })
  return {
    send: (path, { method, headers = {}, body }) =>
      new Promise((resolve, reject) => {
        const sent = request({ agent, socketPath, path, method, headers }, (answer) => {
          let text = ''
          answer.setEncoding('utf8')
          answer.on('data', (chunk: string) => {
            text += chunk
          })
          answer.on('error', reject)
          answer.on('end', () =>
            resolve({ statusCode: answer.statusCode ?? 0, headers: answer.headers, text }),
          )
        })
        sent.on('error', reject)
        sent.end(body)
      }),
    close: () => agent.destroy(),
  }
}
