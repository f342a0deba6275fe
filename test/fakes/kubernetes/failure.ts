/** What a Kubernetes API server says when it refuses: a Status object (meta/v1 types.go, api/errors/errors.go). */
export interface Cause {
  readonly reason: string
  readonly message: string
  readonly field?: string
}

export class ApiFailure extends Error {
  override readonly name = 'ApiFailure'
  readonly code: number
  readonly reason: string
  readonly details: Readonly<Record<string, unknown>>

  constructor(
    code: number,
    reason: string,
    message: string,
    details: Readonly<Record<string, unknown>> = {},
  ) {
    super(message)
    this.code = code
    this.reason = reason
    this.details = details
  }
}

/** The group and the plural, as messages name them: `volumes.mooring.dev`. */
export const qualified = ({ group, plural }: { group: string; plural: string }): string =>
  group ? `${plural}.${group}` : plural

export function statusOf(failure: ApiFailure): Record<string, unknown> {
  return {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message: failure.message,
    reason: failure.reason,
    details: failure.details,
    code: failure.code,
  }
}

type Kind = { group: string; plural: string; kind: string }

export const notFound = (kind: Kind, name: string): ApiFailure =>
  new ApiFailure(404, 'NotFound', `${qualified(kind)} "${name}" not found`, {
    name,
    group: kind.group,
    kind: kind.plural,
  })

export const alreadyExists = (kind: Kind, name: string): ApiFailure =>
  new ApiFailure(409, 'AlreadyExists', `${qualified(kind)} "${name}" already exists`, {
    name,
    group: kind.group,
    kind: kind.plural,
  })

export const conflict = (kind: Kind, name: string, why: string, causes: readonly Cause[] = []): ApiFailure =>
  new ApiFailure(
    409,
    'Conflict',
    causes.length > 0 ? why : `Operation cannot be fulfilled on ${qualified(kind)} "${name}": ${why}`,
    { name, group: kind.group, kind: kind.plural, ...(causes.length > 0 && { causes }) },
  )

export const wasModified =
  'the object has been modified; please apply your changes to the latest version and try again'

export function invalid(kind: Kind, name: string, causes: readonly Cause[]): ApiFailure {
  const faults = causes.map(({ field, message }) => `${field}: ${message}`)
  const text = faults.length === 1 ? faults[0] : `[${faults.join(', ')}]`
  const title = kind.group ? `${kind.kind}.${kind.group}` : kind.kind
  return new ApiFailure(422, 'Invalid', `${title} "${name}" is invalid: ${text}`, {
    name,
    group: kind.group,
    kind: kind.kind,
    causes,
  })
}

export const badRequest = (message: string): ApiFailure => new ApiFailure(400, 'BadRequest', message)

export const expired = (message: string): ApiFailure => new ApiFailure(410, 'Expired', message)
