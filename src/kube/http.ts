/**
 * Requests to one API server with the credentials that are valid now. What goes wrong on the way is a
 * KubernetesError.
 */
import { isDeepStrictEqual } from 'node:util'
import type { Clock } from '../lib/clock.ts'
import { errorMessage } from '../lib/errors.ts'
import { createHttpClient, type HttpAnswer, HttpFailure, type HttpStream } from '../lib/http/http-client.ts'
import { packageVersion } from '../lib/version.ts'
import { KubernetesError } from './api.ts'
import type { Access, Credentials, TlsMaterial } from './credentials.ts'
import { classifyLostAnswer, type RequestInfo, titleOf } from './failures.ts'

export interface HttpRequest {
  readonly info: RequestInfo
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** Its parts percent-encoded. */
  readonly path: string
  readonly query: URLSearchParams
  readonly body?: { readonly type: string; readonly text: string }
  readonly signal?: AbortSignal | undefined
}

export interface Http {
  /** A request and its whole answer, within 30 s. */
  send(request: HttpRequest): Promise<HttpAnswer>
  /** An answer whose lines come for as long as both sides like. It begins within 30 s. */
  open(request: HttpRequest): Promise<HttpStream>
  /** Cuts all requests. */
  close(): Promise<void>
}

const timeoutMs = 30_000
/** As in client-go: tokens of service accounts are replaced long before they expire. */
const credentialsLifetimeMs = 60_000
/** Calls at once; the others wait. With more, the API server begins to delay them itself (priority and fairness). */
const callsAtOnce = 16

const settings = {
  address: 'the kubeconfig',
  authority: 'certificate-authority of the kubeconfig',
  serverName: 'tls-server-name of the kubeconfig',
  clientCertificate: 'client-certificate and client-key of the kubeconfig',
}

export function createHttp(access: Access, clock: Clock): Http {
  const { origin, pathname } = new URL(access.server)
  const pathPrefix = pathname.replace(/\/+$/, '')
  const userAgent = `mooring/${packageVersion()}`
  const client = createHttpClient({
    server: { name: 'the API server', shown: origin, settings },
    origin,
    ...(access.proxy !== undefined && { proxy: access.proxy }),
    // Watches have connections of their own: giving one up takes no call with it.
    pools: { calls: { connections: callsAtOnce }, watches: { largestAnswerBytes: -1 } },
    clock,
  })
  let latest: { readonly credentials: Promise<Credentials>; readonly readAtMs: number } | undefined
  let wereRefused = false
  let tls: TlsMaterial = {}

  /** The credentials that are valid now. Their `tls` is the same object until it holds something else. */
  async function readCredentials(): Promise<Credentials> {
    if (latest === undefined || clock.monotonicMs() - latest.readAtMs > credentialsLifetimeMs) {
      latest = { credentials: access.credentials(wereRefused), readAtMs: clock.monotonicMs() }
      wereRefused = false
    }
    const reading = latest
    try {
      const found = await reading.credentials
      if (!isDeepStrictEqual(tls, found.tls)) tls = found.tls
      return { headers: found.headers, tls }
    } catch (error) {
      if (latest === reading) latest = undefined
      throw error
    }
  }

  async function begin<Answer extends { readonly status: number }>(
    { info, method, path, query, body, signal }: HttpRequest,
    pool: 'calls' | 'watches',
    run: (request: Parameters<typeof client.send>[0]) => Promise<Answer>,
  ): Promise<Answer> {
    const credentials = await readCredentials().catch((error: unknown) => {
      throw new KubernetesError(`${titleOf(info)}: the credentials cannot be read: ${errorMessage(error)}`, {
        kind: 'transient',
        reason: 'CredentialsUnreadable',
      })
    })
    const text = query.toString()
    try {
      const answer = await run({
        pool,
        method,
        path: `${pathPrefix}${path}${text && `?${text}`}`,
        headers: {
          accept: 'application/json',
          'user-agent': userAgent,
          ...(body && { 'content-type': body.type }),
          ...credentials.headers,
        },
        body: body?.text,
        tls: credentials.tls,
        timeoutMs,
        signal,
      })
      // The token was replaced early, or a plugin's has expired: the next call reads the credentials again.
      if (answer.status === 401) {
        latest = undefined
        wereRefused = true
      }
      return answer
    } catch (error) {
      throw error instanceof HttpFailure ? classifyLostAnswer(info, error) : error
    }
  }

  return {
    send: (request) => begin(request, 'calls', client.send),
    open: (request) => begin(request, 'watches', client.open),
    close: client.close,
  }
}
