import type { Reason } from './reasons/reasons.ts'

/**
 * What a failed operation means to its caller:
 * - `permanent`: it fails again until a person does something, or the declaration changes;
 * - `waiting`: something known has to happen first. Look again after `retryAfterMs`;
 * - `transient`: it may work next time. Wait, and repeat it;
 * - `ambiguous`: it may have happened, or may still be running. Read before you repeat it.
 */
export type ErrorKind = 'permanent' | 'waiting' | 'transient' | 'ambiguous'

export interface OperationErrorOptions {
  readonly kind: ErrorKind
  /** A CamelCase word for conditions, events and metrics: `PluginUnavailable`. */
  readonly reason: Reason
  /** Only for `waiting`: when to look again, in milliseconds. */
  readonly retryAfterMs?: number
  /** Only for `ambiguous`: nothing of the operation is running any more. Default false. The other kinds are always over. */
  readonly isOver?: boolean
  /**
   * The operation was carried out, and its answer cannot be used. `externalID`: what it made, if the answer named it. The
   * same operation fails again until the plugin is mended.
   */
  readonly brokenAnswer?: { readonly externalID?: string }
  readonly cause?: unknown
}

/** The error by which the clients of the outside world (Nomad, plugins, Kubernetes) tell the reconcile loop what to do. */
export class OperationError extends Error {
  override readonly name: string = 'OperationError'
  readonly kind: ErrorKind
  readonly reason: Reason
  readonly retryAfterMs: number | undefined
  readonly isOver: boolean
  readonly brokenAnswer: { readonly externalID?: string } | undefined

  constructor(message: string, options: OperationErrorOptions) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.kind = options.kind
    this.reason = options.reason
    this.retryAfterMs = options.retryAfterMs
    this.brokenAnswer = options.brokenAnswer
    this.isOver = options.kind !== 'ambiguous' || options.isOver === true
  }
}

/** A mistake in what a person typed or set. Commands print only the message and exit with 1. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/**
 * The OperationError in an error's chain of causes. Any other error is unexpected, and counts as transient.
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

/** The message of anything that was thrown. */
export function errorMessage(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** The `code` of a system error: `ENOENT`, `EADDRINUSE`. Otherwise undefined. */
export function errorCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined
  return typeof error.code === 'string' ? error.code : undefined
}
