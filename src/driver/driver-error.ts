import { status } from '@grpc/grpc-js'
import { errorCode, errorMessage } from '../lib/errors.ts'
import { ToolError } from './run-tool.ts'

/** An answer other than OK: the gRPC code that the CSI specification gives the case, and what to do about it. */
export class DriverError extends Error {
  override readonly name = 'DriverError'
  readonly code: status

  constructor(code: status, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
  }
}

const refuseWith =
  (code: status) =>
  (message: string): DriverError =>
    new DriverError(code, message)

export const invalidArgument = refuseWith(status.INVALID_ARGUMENT)
export const notFound = refuseWith(status.NOT_FOUND)
export const alreadyExists = refuseWith(status.ALREADY_EXISTS)
export const failedPrecondition = refuseWith(status.FAILED_PRECONDITION)
export const outOfRange = refuseWith(status.OUT_OF_RANGE)
export const resourceExhausted = refuseWith(status.RESOURCE_EXHAUSTED)
/** An operation is pending on the same thing, or a page token is none of ours. */
export const aborted = refuseWith(status.ABORTED)
export const dataLoss = refuseWith(status.DATA_LOSS)

/** Whether a write failed because the file system, or a quota of it, is full. */
export function isNoRoom(error: unknown): boolean {
  for (let current = error; current instanceof Error; current = current.cause) {
    const code = errorCode(current)
    if (code === 'ENOSPC' || code === 'EDQUOT') return true
    if ('errcode' in current && current.errcode === sqliteFull) return true
    if (current instanceof ToolError && /No space left|Disk quota exceeded/.test(current.message)) return true
  }
  return false
}

/** SQLITE_FULL, https://www.sqlite.org/rescode.html */
const sqliteFull = 13

/** The answer to whatever a handler threw: one sentence, with the path and what to do where that is known. */
export function toDriverError(error: unknown): DriverError {
  if (error instanceof DriverError) return error
  const message = errorMessage(error)
  if (isNoRoom(error)) {
    return new DriverError(
      status.RESOURCE_EXHAUSTED,
      `the file system of the pool is full: delete volumes or snapshots, or make it larger (${message})`,
      error,
    )
  }
  if (errorCode(error) === 'EROFS') {
    return new DriverError(
      status.FAILED_PRECONDITION,
      `the file system has become read-only: look into the kernel’s log, then mount it writable (${message})`,
      error,
    )
  }
  return new DriverError(status.INTERNAL, message, error)
}
