/**
 * What a caller does about a failed operation:
 * - `permanent`: nothing changes until a person does something (or the declaration changes);
 * - `waiting`: a known condition has to pass first; look again after `retryAfterMs`;
 * - `transient`: it may work when repeated; back off and repeat;
 * - `ambiguous`: the operation may have happened, or may still be running. Read before repeating.
 */
export type ErrorKind = 'permanent' | 'waiting' | 'transient' | 'ambiguous'

export interface OperationErrorOptions {
  readonly kind: ErrorKind
  /** CamelCase word for conditions, events and metrics, such as `PluginUnavailable`. */
  readonly reason: string
  /** For `waiting`: when to look again, in milliseconds. */
  readonly retryAfterMs?: number
  /** For `ambiguous`: nothing of the operation runs any more. Default false; the other kinds are over always. */
  readonly isOver?: boolean
  readonly cause?: unknown
}

/** The one error that crosses the border between a client of the outside world and the reconcile loop. */
export class OperationError extends Error {
  override readonly name: string = 'OperationError'
  readonly kind: ErrorKind
  readonly reason: string
  readonly retryAfterMs: number | undefined
  readonly isOver: boolean

  constructor(message: string, options: OperationErrorOptions) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.kind = options.kind
    this.reason = options.reason
    this.retryAfterMs = options.retryAfterMs
    this.isOver = options.kind !== 'ambiguous' || options.isOver === true
  }
}

/** A mistake in what a person typed or set. Commands print the message alone and exit 1. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/**
 * Finds the OperationError in an error's chain of causes, so that wrapping never changes what the loop
 * does; anything else is an unexpected failure, which is transient.
 */
export function toOperationError(error: unknown): OperationError {
  for (let current = error; current instanceof Error; current = current.cause) {
    if (current instanceof OperationError) return current
  }
  return new OperationError(errorMessage(error), {
    kind: 'transient',
    reason: 'UnexpectedError',
    cause: error,
  })
}

/** The message of whatever was thrown. */
export function errorMessage(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** The `code` of a system error (`ENOENT`, `EADDRINUSE` …), or undefined. */
export function errorCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined
  return typeof error.code === 'string' ? error.code : undefined
}
