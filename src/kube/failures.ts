/**
 * The one table of what a Kubernetes API server answers when it does not do what was asked, and of what may
 * happen on the way there. Kubernetes names the reason in a Status object (meta/v1 types.go).
 */
import type { ErrorKind } from '../lib/errors.ts'
import type { HttpFailure } from '../lib/http/http-client.ts'
import { type FailureCause, KubernetesError, type Resource } from './api.ts'

/** What was asked, as far as it decides what a failure means. */
export interface Call {
  /** As in RBAC: list, watch, get, create, update, patch, delete. */
  readonly verb: string
  readonly resource: Resource
  readonly namespace?: string | undefined
  readonly name?: string | undefined
  readonly subresource?: string | undefined
}

const readVerbs = new Set(['list', 'watch', 'get'])
/** Rights, kinds and namespaces come by what a person does elsewhere, and nothing tells of it. */
const lookAgainMs = 30_000

/** `patch volumes.mooring.dev/status "data" in namespace "storage"` */
export function describeCall({ verb, resource, namespace, name, subresource }: Call): string {
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
 * @param body parsed JSON or a text; a Status object where Kubernetes itself answered
 * @param retryAfter the header of that name
 */
export function classifyAnswer(
  call: Call,
  code: number,
  body: unknown,
  retryAfter?: string,
): KubernetesError {
  const status = isStatus(body) ? body : undefined
  const isWrite = !readVerbs.has(call.verb)
  // A path that nobody serves is answered by a text; a missing object by a Status.
  const isServed = code !== 404 || status?.reason === 'NotFound'
  const reason = isServed ? reasonIn(call, code, status) : 'ResourceNotServed'
  const seconds = status?.details?.retryAfterSeconds ?? parseSeconds(retryAfter)
  const causes: FailureCause[] = (status?.details?.causes ?? []).map(({ reason, message, field }) => ({
    reason: reason ?? '',
    message: message ?? '',
    ...(field && { field }),
  }))
  return new KubernetesError(`${describeCall(call)}: ${explain(call, code, isServed, status, body)}`, {
    ...verdict(code, isServed, isWrite, seconds),
    reason,
    code,
    causes,
  })
}

/** Where it is the namespace that is missing, or what is around it, nothing is known of the object itself. */
function reasonIn(call: Call, code: number, status: Status | undefined): string {
  const { name, kind } = status?.details ?? {}
  const isOther = code === 404 && !(name === call.name && kind === call.resource.plural)
  return isOther ? 'ParentNotFound' : status?.reason || reasonOf(code)
}

function verdict(
  code: number,
  isServed: boolean,
  isWrite: boolean,
  seconds: number | undefined,
): { kind: ErrorKind; retryAfterMs?: number } {
  // 1. Refused with a time at which to come back: nothing was done.
  if (code === 429 || (code === 503 && seconds !== undefined)) {
    return { kind: 'waiting', retryAfterMs: (seconds ?? 1) * 1000 }
  }
  // 2. What a person changes elsewhere.
  if (code === 403 || !isServed) return { kind: 'waiting', retryAfterMs: lookAgainMs }
  // 3. What another read, another token or another list puts right.
  if (code === 401 || code === 404 || code === 409 || code === 410) return { kind: 'transient' }
  // 4. A failing server may have stored what it was given: etcd's timeouts come as 500 and 504.
  if (code >= 500) return { kind: isWrite ? 'ambiguous' : 'transient' }
  // 5. The request itself: 400, 405, 413, 415, 422.
  return { kind: 'permanent' }
}

function explain(
  call: Call,
  code: number,
  isServed: boolean,
  status: Status | undefined,
  body: unknown,
): string {
  if (!isServed) {
    const { group, version, kind } = call.resource
    return `the API server does not serve ${kind} of ${group ? `${group}/` : ''}${version} (is its CRD installed?)`
  }
  if (status?.message) return status.message
  if (code === 401) return 'the API server does not accept the credentials (401)'
  const text = typeof body === 'string' ? body.trim() : ''
  return text && text.length < 300 ? `${text} (${code})` : `the API server answered ${code}`
}

/** No answer came, or not all of it. */
export function classifyLostAnswer(
  call: Call,
  { message, wasSent, isInterrupted, cause }: HttpFailure,
): KubernetesError {
  const isWrite = !readVerbs.has(call.verb)
  return new KubernetesError(`${describeCall(call)}: ${message}`, {
    kind: wasSent && isWrite ? 'ambiguous' : 'transient',
    reason: isInterrupted ? 'Interrupted' : 'KubernetesUnreachable',
    cause,
  })
}

/** Says nothing of what the answer holds: it may be a secret. */
export function unreadable(call: Call, what: string): KubernetesError {
  return new KubernetesError(`${describeCall(call)}: ${what}`, {
    kind: readVerbs.has(call.verb) ? 'transient' : 'ambiguous',
    reason: 'UnreadableAnswer',
  })
}

function isStatus(body: unknown): body is Status {
  return typeof body === 'object' && body !== null && 'kind' in body && body.kind === 'Status'
}

function parseSeconds(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,6}$/.test(text) ? Number(text) : undefined
}

const reasons: Readonly<Record<number, string>> = {
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

function reasonOf(code: number): string {
  return reasons[code] ?? (code >= 500 ? 'InternalError' : 'UnexpectedAnswer')
}
