import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { errorMessage, UsageError } from '../../lib/errors.ts'
import type { Log } from '../../lib/log.ts'

export interface WebhookOptions {
  readonly host: string
  /** 0 for any free port. */
  readonly port: number
  /** The secret that the Git host knows, too. */
  readonly secret: string
  readonly onPush: () => void
  readonly log: Log
}

/** The largest payload of GitHub. It is hashed as it comes, and never stored. */
const largestBodyBytes = 25 * 2 ** 20

/**
 * Listens for the pushes that a Git host reports: `POST /` with the HMAC-SHA-256 of the body under the secret in
 * X-Hub-Signature-256 (GitHub, Gitea, Forgejo), or the secret itself in X-Gitlab-Token (GitLab). The content of the body is
 * ignored: each report causes one look at the repositories, so a repeated or invented one costs no more. It answers 202, 401
 * without a correct signature, 405, 413.
 * @throws UsageError where it cannot listen there
 */
export async function startWebhook(
  options: WebhookOptions,
): Promise<{ readonly url: string; close(): Promise<void> }> {
  const { host, port, secret, onPush, log } = options
  const server = createServer({ requestTimeout: 30_000, headersTimeout: 10_000 }, (request, response) => {
    const from = request.socket.remoteAddress
    answer(request, secret).then(
      (status) => {
        if (status === 202) onPush()
        else log.warn({ status, from }, 'webhook call refused')
        response.writeHead(status, { connection: 'close' })
        // The rest of a refused body is not read.
        response.end(() => request.destroy())
      },
      () => response.destroy(),
    )
  })
  server.listen(port, host)
  try {
    await once(server, 'listening')
  } catch (error) {
    throw new UsageError(`--webhook: ${errorMessage(error)}: give an address where nobody listens`, {
      cause: error,
    })
  }
  const { address, family, port: actualPort } = server.address() as AddressInfo // It listens on TCP.
  return {
    url: `http://${family === 'IPv6' ? `[${address}]` : address}:${actualPort}/`,
    async close() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}

async function answer(request: IncomingMessage, secret: string): Promise<number> {
  if (request.method !== 'POST') return 405
  const hmac = createHmac('sha256', secret)
  let bytes = 0
  for await (const chunk of request.iterator({ destroyOnReturn: false })) {
    bytes += chunk.length
    if (bytes > largestBodyBytes) return 413
    hmac.update(chunk)
  }
  const { 'x-hub-signature-256': signature, 'x-gitlab-token': token } = request.headers
  const isSigned = typeof signature === 'string' && isSame(signature, `sha256=${hmac.digest('hex')}`)
  return isSigned || (typeof token === 'string' && isSame(token, secret)) ? 202 : 401
}

/** Compares in constant time. */
function isSame(one: string, other: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(one), digest(other))
}
