/** The table of all failures of a Kubernetes API server, which names the reason in a Status object (meta/v1 types.go). */
import type { ErrorKind } from '../lib/errors.ts'
import type { HttpFailure } from '../lib/http/http-client.ts'
import type { Reason } from '../lib/reasons/reasons.ts'
import { type FailureCause, KubernetesError, type Resource } from './api.ts'

/** What was requested, as the API server itself calls it (apiserver, RequestInfo). It decides what a failure means. */
export interface RequestInfo {
  /** list, watch, get, create, update, patch or delete, as in RBAC rules. */
  readonly verb: string
  readonly resource: Resource
  readonly namespace?: string | undefined
  readonly name?: string | undefined
  readonly subresource?: string | undefined
}

const readVerbs = new Set(['list', 'watch', 'get'])
/** Somebody has to add a right, a kind or a namespace elsewhere, and nothing reports it. */
const lookAgainMs = 30_000

/** `patch volumes.mooring.dev/status "data" in namespace "storage"` */
export function titleOf({ verb, resource, namespace, name, subresource }: RequestInfo): string {
  const group = resource.group && `.${resource.group}`
  const part = subresource ? `/${subresource}` : ''
  const which = name === undefined ? '' : ` "${name}"`
  const where = namespace === undefined ? '' : ` in namespace "${namespace}"`
  return `${verb} ${resource.plural}${group}${part}${which}${where}`
}

interface Status {
  readonly reason?: string
  readonly message?: string
  readonly details?: {
    readonly name?: string
    /** The plural. */
    readonly kind?: string
    readonly retryAfterSeconds?: number
    readonly causes?: readonly {
      readonly reason?: string
      readonly message?: string
      readonly field?: string
    }[]
  }
}

/**
 * The error of an answer that is no success.
 * @param body parsed JSON or a text. Kubernetes itself answers with a Status object
 * @param retryAfter the header of that name
 */
export function classifyAnswer(
  info: RequestInfo,
  code: number,
  body: unknown,
  retryAfter?: string,
): KubernetesError {
  const status = isStatus(body) ? body : undefined
  const isWrite = !readVerbs.has(info.verb)
  // A missing object is answered with a Status, and a path that nobody serves with a text.
  const isServed = code !== 404 || status?.reason === 'NotFound'
  const reason = isServed ? reasonIn(info, code, status) : 'ResourceNotServed'
  const seconds = status?.details?.retryAfterSeconds ?? parseSeconds(retryAfter)
  const causes: FailureCause[] = (status?.details?.causes ?? []).map(({ reason, message, field }) => ({
    reason: reason ?? '',
    message: message ?? '',
    ...(field && { field }),
  }))
  return new KubernetesError(`${titleOf(info)}: ${explain(info, code, isServed, status, body)}`, {
    ...verdict(code, isServed, isWrite, seconds),
    reason,
    code,
    causes,
  })
}

/** Where the namespace is missing, or something else around the object, nothing is known about the object itself. */
function reasonIn(info: RequestInfo, code: number, status: Status | undefined): Reason {
  const { name, kind } = status?.details ?? {}
  const isOther = code === 404 && !(name === info.name && kind === info.resource.plural)
  if (isOther) return 'ParentNotFound'
  // A webhook may answer with any word.
  return answered.find((each) => each === status?.reason) ?? reasonOf(code)
}

function verdict(
  code: number,
  isServed: boolean,
  isWrite: boolean,
  seconds: number | undefined,
): { kind: ErrorKind; retryAfterMs?: number } {
  // 1. Refused for a while: nothing was done.
  if (code === 429 || (code === 503 && seconds !== undefined)) {
    return { kind: 'waiting', retryAfterMs: (seconds ?? 1) * 1000 }
  }
  // 2. Somebody has to change something elsewhere.
  if (code === 403 || !isServed) return { kind: 'waiting', retryAfterMs: lookAgainMs }
  // 3. A new read, token or list helps.
  if (code === 401 || code === 404 || code === 409 || code === 410) return { kind: 'transient' }
  // 4. A failing server may have stored the write: timeouts of etcd come as 500 and 504.
  if (code >= 500) return { kind: isWrite ? 'ambiguous' : 'transient' }
  // 5. The request itself is wrong: 400, 405, 413, 415, 422.
  return { kind: 'permanent' }
}

function explain(
  info: RequestInfo,
  code: number,
  isServed: boolean,
  status: Status | undefined,
  body: unknown,
): string {
  if (!isServed) {
    const { group, version, kind } = info.resource
    return `the API server does not serve ${kind} of ${group ? `${group}/` : ''}${version} (is its CRD installed?)`
  }
  if (status?.message) return status.message
  if (code === 401) return 'the API server does not accept the credentials (401)'
  const text = typeof body === 'string' ? body.trim() : ''
  return text && text.length < 300 ? `${text} (${code})` : `the API server answered ${code}`
}

/** No answer came, or not all of it. */
export function classifyLostAnswer(
  info: RequestInfo,
  { message, wasSent, isInterrupted, cause }: HttpFailure,
): KubernetesError {
  const isWrite = !readVerbs.has(info.verb)
  return new KubernetesError(`${titleOf(info)}: ${message}`, {
    kind: wasSent && isWrite ? 'ambiguous' : 'transient',
    reason: isInterrupted ? 'Interrupted' : 'KubernetesUnreachable',
    cause,
  })
}

/** The message contains nothing of the answer: it may be a secret. */
export function unreadable(info: RequestInfo, what: string): KubernetesError {
  return new KubernetesError(`${titleOf(info)}: ${what}`, {
    kind: readVerbs.has(info.verb) ? 'transient' : 'ambiguous',
    reason: 'UnreadableAnswer',
  })
}

function isStatus(body: unknown): body is Status {
  return typeof body === 'object' && body !== null && 'kind' in body && body.kind === 'Status'
}

function parseSeconds(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,6}$/.test(text) ? Number(text) : undefined
}

/** The words of Kubernetes for what failed (meta/v1, StatusReason). */
const answered = [
  'AlreadyExists',
  'BadRequest',
  'Conflict',
  'Expired',
  'Forbidden',
  'Gone',
  'InternalError',
  'Invalid',
  'MethodNotAllowed',
  'NotAcceptable',
  'NotFound',
  'RequestEntityTooLarge',
  'ServerTimeout',
  'ServiceUnavailable',
  'StoreReadError',
  'Timeout',
  'TooManyRequests',
  'Unauthorized',
  'UnsupportedMediaType',
] as const satisfies readonly Reason[]

const reasons: Readonly<Record<number, Reason>> = {
  400: 'BadRequest',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'NotFound',
  405: 'MethodNotAllowed',
  409: 'Conflict',
  410: 'Expired',
  422: 'Invalid',
  429: 'TooManyRequests',
  503: 'ServiceUnavailable',
  504: 'Timeout',
}

function reasonOf(code: number): Reason {
  return reasons[code] ?? (code >= 500 ? 'InternalError' : 'UnexpectedAnswer')
}
