import { once } from 'node:events'
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'

/** A way to the agent on which one request can be held back, so that a disturbance meets it for certain. */
export interface Gate {
  readonly address: string
  /** Holds the next request that matches `METHOD /path?query`. */
  hold(pattern: RegExp): void
  /** Resolves when a request is held. */
  held(): Promise<void>
  /** Lets it go on, and resolves when it is on its way; nothing is held any more. */
  release(): void
  /** Nobody listens, as with the agent: whoever has asked loses the connection. */
  close(): Promise<void>
  open(): Promise<void>
}

export async function openGate(agentAddress: string): Promise<Gate> {
  let port = 0
  let pattern: RegExp | undefined
  let waiting: (() => void) | undefined
  let arrived = () => {}
  const arrival = new Promise<void>((resolve) => {
    arrived = resolve
  })

  function pass(from: IncomingMessage, to: ServerResponse) {
    const onward = request(
      `${agentAddress}${from.url}`,
      { method: from.method, headers: from.headers },
      (answer) => {
        to.writeHead(answer.statusCode ?? 502, answer.headers)
        answer.pipe(to)
      },
    )
    // The agent's connection broke, and so does this one.
    onward.on('error', () => to.destroy())
    to.on('close', () => onward.destroy())
    from.pipe(onward)
  }

  const server = createServer((from, to) => {
    if (pattern?.test(`${from.method} ${from.url}`) !== true) return pass(from, to)
    pattern = undefined
    waiting = () => pass(from, to)
    arrived()
  })
  async function open() {
    server.listen(port, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    port = typeof address === 'object' && address !== null ? address.port : 0
  }
  await open()
  return {
    address: `http://127.0.0.1:${port}`,
    hold(wanted) {
      pattern = wanted
    },
    held: () => arrival,
    release() {
      pattern = undefined
      waiting?.()
      waiting = undefined
    },
    async close() {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
    open,
  }
}
