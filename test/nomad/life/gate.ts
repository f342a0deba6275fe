import { once } from 'node:events'
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'

/** A way to the agent on which one request can be held back, so that a disturbance meets it for certain. */
export interface Gate {
  readonly address: string
  /** Holds the requests that match `METHOD /path?query`; resolves when `count` are there. */
  hold(pattern: RegExp, count: number): Promise<void>
  /** Lets them go on; nothing is held any more. */
  release(): void
  /** Nobody listens, as with the agent: whoever has asked loses the connection. */
  close(): Promise<void>
  open(): Promise<void>
}

export async function openGate(agentAddress: string): Promise<Gate> {
  let port = 0
  let pattern: RegExp | undefined
  let waiting: (() => void)[] = []
  let arrived = () => {}

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
    waiting.push(() => pass(from, to))
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
    hold(wanted, count) {
      pattern = wanted
      return new Promise((resolve) => {
        arrived = () => {
          if (waiting.length >= count) resolve()
        }
      })
    },
    release() {
      pattern = undefined
      for (const goOn of waiting) goOn()
      waiting = []
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
