import { status } from '@grpc/grpc-js'
import { type ErrorKind, OperationError } from '../lib/errors.ts'

/**
 * What the caller of a plugin must do about a call that failed:
 * - `failed`: it did not happen, and the same call fails again until somebody changes something;
 * - `may-be-running`: it may have happened, or still happen. Ask the plugin, or replay the very same call;
 * - `retry-later`: it did not happen; back off and repeat it;
 * - `unsupported`: this plugin does not do this;
 * - `broken-answer`: the plugin says that it happened, in words that break the specification.
 */
export type PluginErrorClass = 'failed' | 'may-be-running' | 'retry-later' | 'unsupported' | 'broken-answer'

/**
 * The one table of gRPC codes. CSI 1.12, section "Error Scheme", gives the codes their meaning; which of
 * them leave a call possibly at work is what the CSI project's own callers assume.
 */
const classOfCode: Readonly<Record<status, PluginErrorClass>> = {
  [status.OK]: 'broken-answer',
  // The call was cut short from this side, or nobody knows how it ended.
  [status.CANCELLED]: 'may-be-running',
  [status.DEADLINE_EXCEEDED]: 'may-be-running',
  [status.UNAVAILABLE]: 'may-be-running',
  [status.UNKNOWN]: 'may-be-running',
  [status.DATA_LOSS]: 'may-be-running',
  // "Operation pending for volume": an earlier call is at work on it.
  [status.ABORTED]: 'may-be-running',
  // The plugin's own fault; it says nothing of how far it came.
  [status.INTERNAL]: 'may-be-running',
  [status.RESOURCE_EXHAUSTED]: 'retry-later',
  [status.UNAUTHENTICATED]: 'failed',
  [status.PERMISSION_DENIED]: 'failed',
  [status.INVALID_ARGUMENT]: 'failed',
  [status.NOT_FOUND]: 'failed',
  [status.ALREADY_EXISTS]: 'failed',
  [status.FAILED_PRECONDITION]: 'failed',
  [status.OUT_OF_RANGE]: 'failed',
  [status.UNIMPLEMENTED]: 'unsupported',
}

const kindOfClass: Readonly<Record<PluginErrorClass, ErrorKind>> = {
  failed: 'permanent',
  'may-be-running': 'ambiguous',
  'retry-later': 'transient',
  unsupported: 'permanent',
  'broken-answer': 'ambiguous',
}

export interface PluginErrorDetails {
  readonly pluginID: string
  /** Name of the RPC, such as `CreateVolume`. */
  readonly method: string
  readonly code: status
  /** The plugin's own text (or ours, where the call did not reach it), free of secrets. */
  readonly details: string
  /** Where it is known better than by the code alone. */
  readonly errorClass?: PluginErrorClass
  readonly cause?: unknown
}

/** Why a call to a plugin did not give its answer. */
export class PluginError extends OperationError {
  readonly pluginID: string
  readonly method: string
  readonly code: status
  /** As gRPC writes it: `NOT_FOUND`. */
  readonly codeName: string
  readonly details: string
  readonly errorClass: PluginErrorClass

  constructor(details: PluginErrorDetails) {
    const codeName = status[details.code] ?? `code ${details.code}`
    const errorClass = details.errorClass ?? classOfCode[details.code] ?? 'may-be-running'
    super(`plugin ${details.pluginID}: ${details.method}: ${codeName}: ${details.details}`, {
      kind: kindOfClass[errorClass],
      reason: reasonOf(errorClass, details.code),
      cause: details.cause,
    })
    this.pluginID = details.pluginID
    this.method = details.method
    this.code = details.code
    this.codeName = codeName
    this.details = details.details
    this.errorClass = errorClass
  }
}

function reasonOf(errorClass: PluginErrorClass, code: status): string {
  if (errorClass === 'unsupported') return 'PluginUnsupported'
  if (errorClass === 'broken-answer') return 'PluginBrokenAnswer'
  if (code === status.UNAVAILABLE) return 'PluginUnavailable'
  if (code === status.DEADLINE_EXCEEDED) return 'PluginTimeout'
  return errorClass === 'failed' ? 'PluginRefused' : 'PluginFailed'
}
