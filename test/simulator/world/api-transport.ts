import { classifyLostAnswer } from '../../../src/kube/failures.ts'
import type { Http, HttpRequest } from '../../../src/kube/http.ts'
import { OperationError } from '../../../src/lib/errors.ts'
import { type HttpAnswer, HttpFailure, type HttpStream } from '../../../src/lib/http/http-client.ts'
import { NotServed, type PlainRequest } from '../../fakes/kubernetes/carry-out.ts'
import { ApiFailure, statusOf } from '../../fakes/kubernetes/failure.ts'
import { asRecord, isRecord } from '../../fakes/kubernetes/json.ts'
import { parseSelectors } from '../../fakes/kubernetes/selectors.ts'
import { pick } from '../random.ts'
import type { Owner, Scheduler } from '../scheduler.ts'
import type { ApiServer } from './api-server.ts'
import { openWatch } from './api-watch.ts'
import type { Network } from './network.ts'

/** As the client's own. */
const timeoutMs = 30_000

export interface Transport {
  readonly scheduler: Scheduler
  readonly network: Network
  readonly chance: (name: string) => number
  readonly server: ApiServer
  /** Told of each write that arrives, before it is carried out. */
  readonly onWrite: (write: ArrivedWrite) => void
  /** Told of each object that a process gets to see. */
  readonly onSeen: (owner: Owner, uid: string) => void
}

/** A write of a process of Mooring, as it arrives. */
export interface ArrivedWrite {
  readonly by: Owner
  readonly verb: string
  readonly kind: string
  readonly namespace: string | undefined
  readonly name: string | undefined
  readonly subresource: string | undefined
  readonly text: string
}

/** HTTP to the API server, as one process has it. Requests and answers may be lost, late, refused or slow. */
export function createSimulatedHttp(owner: Owner, transport: Transport): Http {
  const { scheduler, network, chance, server, onWrite, onSeen } = transport
  const { conditions } = server

  /** @param work what the server does when the request arrives */
  async function call<Result>(
    { info, method, signal }: HttpRequest,
    work: () => Result | HttpAnswer,
  ): Promise<Result | HttpAnswer> {
    const title = `${info.verb} ${info.resource.plural}${info.subresource === undefined ? '' : '/status'}`
    const fail = (message: string, wasSent: boolean, cause: unknown) =>
      classifyLostAnswer(
        info,
        new HttpFailure(message, { wasSent, isInterrupted: signal?.aborted === true, cause }),
      )
    if (conditions.isAway) {
      await new Promise<void>((resolve) => {
        scheduler.after(owner, network.latencyMs(title), `${title} is refused`, resolve)
      })
      throw fail('connection refused', false, undefined)
    }
    const cut = new AbortController()
    const stop = () => cut.abort()
    if (signal?.aborted) stop()
    signal?.addEventListener('abort', stop)
    const cancel = scheduler.after(owner, timeoutMs, 'API server is silent', stop)
    const type = method === 'GET' ? 'read' : 'write'
    try {
      return await network.call(owner, {
        title,
        about: info.name ?? '',
        type,
        isNomad: false,
        signal: cut.signal,
        work: () => misfortune(title, type, work) ?? work(),
      })
    } catch (error) {
      if (!(error instanceof OperationError)) throw error
      throw fail(signal?.aborted ? 'interrupted' : 'no answer', error.kind === 'ambiguous', error)
    } finally {
      cancel()
      signal?.removeEventListener('abort', stop)
    }
  }

  /** An error of the API server itself; undefined: it does what was asked. */
  function misfortune(title: string, type: 'read' | 'write', work: () => unknown): HttpAnswer | undefined {
    // It went away while the request was on its way.
    if (conditions.isAway) return failed(503, 'ServiceUnavailable')
    if (type === 'write' && network.meets(network.weather.storeFull, `${title} finds no room`))
      return failed(500, 'InternalError', 'etcdserver: mvcc: database space exceeded')
    if (!network.meets(conditions.failing, `${title} fails`)) return undefined
    const [code, reason, isDone] = pick(() => chance(`${title} fails with`), errors)
    if (isDone && chance(`${title} is done`) < 0.5) work()
    return failed(code, reason)
  }

  const plainOf = ({ method, path, query, body }: HttpRequest): PlainRequest => ({
    method,
    path,
    query,
    contentType: body?.type,
    userAgent: 'mooring/simulated',
    text: body?.text ?? '',
  })

  const answered = (code: number, body: unknown): HttpAnswer => ({
    status: code,
    header: () => undefined,
    text: typeof body === 'string' ? body : JSON.stringify(body),
  })

  /** The answer to a failure of the double. */
  function refusal(error: unknown): HttpAnswer {
    if (error instanceof NotServed) return answered(404, '404 page not found\n')
    if (error instanceof ApiFailure) return answered(error.code, statusOf(error))
    throw error
  }

  function see(body: unknown) {
    const { items, metadata } = asRecord(body)
    for (const each of Array.isArray(items) ? items : [{ metadata }]) {
      const { uid } = asRecord(asRecord(each).metadata)
      if (typeof uid === 'string') onSeen(owner, uid)
    }
  }

  return {
    async send(request) {
      let body: unknown
      const answer = await call(request, () => {
        const plain = plainOf(request)
        try {
          const route = server.route(plain)
          const { verb, kind, namespace, name, subresource } = route
          const isRead = verb === 'get' || verb === 'list'
          const { text } = plain
          if (!isRead) onWrite({ by: owner, verb, kind: kind.kind, namespace, name, subresource, text })
          body = server.answer(route, plain, owner.name)
          return answered(verb === 'create' ? 201 : 200, body)
        } catch (error) {
          return refusal(error)
        }
      })
      see(body)
      return answer
    },
    async open(request) {
      const answer = await call<HttpStream | HttpAnswer>(request, () => {
        const plain = plainOf(request)
        try {
          const { kind, namespace } = server.route(plain)
          return openWatch(owner, transport, {
            info: request.info,
            kind,
            namespace,
            matches: parseSelectors(plain.query),
            resourceVersion: plain.query.get('resourceVersion') ?? '',
            timeoutMs: Number(plain.query.get('timeoutSeconds') ?? 0) * 1000,
            signal: request.signal,
          })
        } catch (error) {
          return refusal(error)
        }
      })
      return isStream(answer) ? answer : { ...answer, text: async () => answer.text, lines: noLines }
    },
    close: async () => {},
  }
}

/** Errors of an API server, and whether it may have carried out the request all the same. */
const errors = [
  [500, 'InternalError', true],
  [504, 'Timeout', true],
  [429, 'TooManyRequests', false],
  [503, 'ServiceUnavailable', false],
] as const

const failed = (code: number, reason: string, message = reason): HttpAnswer => ({
  status: code,
  header: (name) => (name === 'retry-after' && code === 429 ? '1' : undefined),
  text: JSON.stringify(statusOf(new ApiFailure(code, reason, message))),
})

const isStream = (answer: HttpStream | HttpAnswer): answer is HttpStream =>
  isRecord(answer) && 'lines' in answer

async function* noLines(): AsyncGenerator<string, void> {}
