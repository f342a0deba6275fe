import { once } from 'node:events'
import { createServer, request as sendOn } from 'node:http'
import { performance } from 'node:perf_hooks'

export interface CountingProxy {
  readonly address: string
  /** Requests so far by method and path, the IDs in it left out: `PUT /v1/volume/csi/:id/create`. */
  counts(): Record<string, number>
  /** When each create was answered with 200, in milliseconds of performance.now(). */
  readonly createdMs: readonly number[]
  close(): Promise<void>
}

/** Sends every request on to `address`, as it is, and counts it. */
export async function startCountingProxy(address: string): Promise<CountingProxy> {
  const counts = new Map<string, number>()
  const createdMs: number[] = []
  const { hostname, port } = new URL(address)
  const server = createServer((incoming, outgoing) => {
    const { method = '', url = '', headers } = incoming
    const kind = `${method} ${kindOf(url)}`
    counts.set(kind, (counts.get(kind) ?? 0) + 1)
    const further = sendOn({ hostname, port, method, path: url, headers }, (answer) => {
      const { statusCode = 502 } = answer
      outgoing.writeHead(statusCode, answer.headers)
      answer.pipe(outgoing)
      if (kind.endsWith('/create') && statusCode === 200) createdMs.push(performance.now())
    })
    // Whichever side ends first, the other is not left waiting.
    further.on('error', () => outgoing.destroy())
    outgoing.on('close', () => further.destroy())
    incoming.pipe(further)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const at = server.address()
  if (typeof at !== 'object' || at === null) throw new Error('the proxy has no address')
  return {
    address: `http://127.0.0.1:${at.port}`,
    counts: () => Object.fromEntries([...counts].sort()),
    createdMs,
    async close() {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}

function kindOf(url: string): string {
  const [path = ''] = url.split('?')
  return path.replace(/^(\/v1\/(?:volume|plugin)\/csi|\/v1\/namespace)\/[^/]+/, '$1/:id')
}
