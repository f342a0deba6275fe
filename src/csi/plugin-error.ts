import { status } from '@grpc/grpc-js'
import { type ErrorKind, OperationError } from '../lib/errors.ts'
import type { Reason } from '../lib/reasons/reasons.ts'

/**
 * What a failed call means to its caller:
 * - `failed`: it did not happen, and fails again until somebody changes something;
 * - `may-be-running`: it may have happened, or may still be running. Ask the plugin, or repeat the same call;
 * - `retry-later`: it did not happen. Wait, and repeat it;
 * - `unsupported`: this plugin cannot do it;
 * - `broken-answer`: it happened, by the plugin's answer, but that answer breaks the specification.
 */
export type PluginErrorClass = 'failed' | 'may-be-running' | 'retry-later' | 'unsupported' | 'broken-answer'

/**
 * The table of gRPC codes. CSI 1.12, section "Error Scheme", says what they mean. After which of them a call may still be
 * running is what the CSI project's own sidecars assume.
 */
const classOfCode: Readonly<Record<status, PluginErrorClass>> = {
  [status.OK]: 'broken-answer',
  // This side cut the call, or nobody knows how it ended.
  [status.CANCELLED]: 'may-be-running',
  [status.DEADLINE_EXCEEDED]: 'may-be-running',
  [status.UNAVAILABLE]: 'may-be-running',
  [status.UNKNOWN]: 'may-be-running',
  [status.DATA_LOSS]: 'may-be-running',
  // "Operation pending for volume": an earlier call is still running.
  [status.ABORTED]: 'may-be-running',
  // A fault of the plugin. It does not say how far the call came.
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
  /** The name of the RPC: `CreateVolume`. */
  readonly method: string
  readonly code: status
  /** The text of the plugin, or of this client where the call did not reach it. It contains no secrets. */
  readonly details: string
  /** ID of the volume or snapshot that a broken answer named. */
  readonly madeID?: string
  /** Where it is known more exactly than by the code. */
  readonly errorClass?: PluginErrorClass
  readonly cause?: unknown
}

/** A call of a plugin failed. */
export class PluginError extends OperationError {
  readonly pluginID: string
  readonly method: string
  readonly code: status
  /** As gRPC writes it: `NOT_FOUND`. */
  readonly codeName: string
  readonly details: string
  readonly errorClass: PluginErrorClass
  readonly madeID: string | undefined

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
    this.madeID = details.madeID
  }
}

function reasonOf(errorClass: PluginErrorClass, code: status): Reason {
  if (errorClass === 'unsupported') return 'PluginUnsupported'
  if (errorClass === 'broken-answer') return 'PluginBrokenAnswer'
  if (code === status.UNAVAILABLE) return 'PluginUnavailable'
  if (code === status.DEADLINE_EXCEEDED) return 'PluginTimeout'
  return errorClass === 'failed' ? 'PluginRefused' : 'PluginFailed'
}
