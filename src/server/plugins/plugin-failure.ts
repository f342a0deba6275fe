import { status } from '@grpc/grpc-js'
import { PluginError } from '../../csi/plugin-error.ts'
import { ApiError } from '../errors.ts'

/** HTTP status by gRPC code: 422 the plugin refuses, 503 it is away or busy, 504 deadline, 502 it failed. */
const httpStatus: Readonly<Partial<Record<status, number>>> = {
  [status.INVALID_ARGUMENT]: 422,
  [status.NOT_FOUND]: 422,
  [status.ALREADY_EXISTS]: 422,
  [status.PERMISSION_DENIED]: 422,
  [status.UNAUTHENTICATED]: 422,
  [status.FAILED_PRECONDITION]: 422,
  [status.OUT_OF_RANGE]: 422,
  [status.UNIMPLEMENTED]: 422,
  [status.RESOURCE_EXHAUSTED]: 422,
  [status.ABORTED]: 503,
  [status.UNAVAILABLE]: 503,
  [status.CANCELLED]: 503,
  [status.DEADLINE_EXCEEDED]: 504,
}

export interface PluginFailureWording {
  /** What the server was doing, as Nomad names it: `controller create volume: CSI.ControllerCreateVolume`. */
  readonly operation: string
  /** What a code means for this operation, in Nomad's words. */
  readonly meanings?: Readonly<Partial<Record<status, string>>>
  /** Where a code means another HTTP status here. */
  readonly statuses?: Readonly<Partial<Record<status, number>>>
}

/**
 * A failed call to a plugin as an answer. Its text ends as Nomad's does, `rpc error: code = NotFound desc = …`,
 * because clients read the code from there. Whatever is no PluginError comes back as it is.
 */
export function pluginFailure(
  error: unknown,
  { operation, meanings, statuses }: PluginFailureWording,
): unknown {
  if (!(error instanceof PluginError)) return error
  const isBroken = error.errorClass === 'broken-answer'
  const meaning = isBroken ? undefined : meanings?.[error.code]
  const made = error.madeID === undefined ? '' : ` (made: ${JSON.stringify(error.madeID)})`
  const detail = `rpc error: code = ${goCodeName(error.codeName)} desc = ${error.details}${made}`
  return new ApiError(
    statuses?.[error.code] ?? httpStatus[error.code] ?? 502,
    `${operation}: ${meaning === undefined ? '' : `${meaning}: `}${detail}`,
    { cause: error },
  )
}

/** `NOT_FOUND` as Go writes it: `NotFound`. */
function goCodeName(codeName: string): string {
  if (codeName === 'CANCELLED') return 'Canceled'
  return codeName.replaceAll(
    /([A-Z])([A-Z]*)_?/g,
    (_match, first: string, rest: string) => first + rest.toLowerCase(),
  )
}

/** Whether whoever asked hears how a call ends. */
export type Asker = 'told' | 'gone'

/** Whether the failure of a repeated call leaves open how the first one ended. */
export function leavesOpen(error: PluginError, asker: Asker): boolean {
  if (asker === 'told') return mayStillHappen(error) || error.code === status.UNAVAILABLE
  // Another failure, such as INTERNAL, says nothing of the call before it.
  return !['failed', 'unsupported', 'broken-answer'].includes(error.errorClass)
}

/** Whether a call may still be carried out, or was, although it failed: only replaying it can tell. */
export function mayStillHappen(error: unknown): boolean {
  if (!(error instanceof PluginError)) return false
  if (error.errorClass === 'retry-later') return false
  return [status.CANCELLED, status.DEADLINE_EXCEEDED, status.UNAVAILABLE, status.ABORTED].includes(error.code)
}
