import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { errorMessage, UsageError } from '../lib/errors.ts'

export interface TelemetryServerOptions {
  readonly host: string
  /** 0 for any free port. */
  readonly port: number
  readonly metrics: { render(): Promise<string>; readonly contentType: string }
  /** Why the process has to be restarted; empty while it is alive. */
  readonly liveness: () => readonly string[]
  /** Why the process is not ready; empty where it is. */
  readonly readiness: () => readonly string[]
}

interface Answer {
  readonly status: number
  readonly type: string
  readonly text: string
}

/**
 * Serves `GET /healthz` and `/readyz` (200, or 503 with one reason per line) and `/metrics`. An answer also shows that the
 * event loop is running.
 * @throws UsageError where it cannot listen there
 */
export async function startTelemetryServer(
  options: TelemetryServerOptions,
): Promise<{ readonly url: string; close(): Promise<void> }> {
  const { host, port, metrics, liveness, readiness } = options
  const routes: Readonly<Record<string, () => Promise<Answer>>> = {
    '/healthz': async () => answerOf(liveness()),
    '/readyz': async () => answerOf(readiness()),
    '/metrics': async () => ({ status: 200, type: metrics.contentType, text: await metrics.render() }),
  }
  const server = createServer({ requestTimeout: 30_000, headersTimeout: 10_000 }, (request, response) => {
    const path = (request.url ?? '').split('?', 1)[0] ?? ''
    const route = Object.hasOwn(routes, path) ? routes[path] : undefined
    const isRead = request.method === 'GET' || request.method === 'HEAD'
    const answering =
      route === undefined
        ? Promise.resolve(plain(404, `there are ${Object.keys(routes).join(', ')}`))
        : isRead
          ? route()
          : Promise.resolve(plain(405, 'only GET and HEAD are answered here'))
    answering
      .catch((error) => plain(500, errorMessage(error)))
      .then(({ status, type, text }) => {
        response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' })
        response.end(text)
      })
  })
  server.listen(port, host)
  try {
    await once(server, 'listening')
  } catch (error) {
    throw new UsageError(`--metrics-addr: ${errorMessage(error)}`, { cause: error })
  }
  const address = server.address() as AddressInfo // It listens on a host and a port.
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${address.port}`,
    async close() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}

function answerOf(obstacles: readonly string[]): Answer {
  return obstacles.length === 0 ? plain(200, 'ok') : plain(503, obstacles.join('\n'))
}

function plain(status: number, text: string): Answer {
  return { status, type: 'text/plain; charset=utf-8', text: `${text}\n` }
}
