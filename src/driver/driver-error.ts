import { status } from '@grpc/grpc-js'

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
