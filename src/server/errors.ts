/**
 * A refusal that a client is told: an HTTP status, and the text that is the whole body of the answer.
 * Whatever else is thrown while a request is served is a defect of the server, and answers 500 without
 * its text.
 */
export class ApiError extends Error {
  override readonly name = 'ApiError'
  readonly status: number
  /** X-Nomad-Index of a blocking read that found nothing. */
  readonly index: number | undefined

  constructor(status: number, message: string, options: { cause?: unknown; index?: number } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.status = status
    this.index = options.index
  }
}

export const badRequest = (message: string) => new ApiError(400, message)
export const notFound = (message: string, index?: number) =>
  new ApiError(404, message, index === undefined ? {} : { index })
export const conflict = (message: string) => new ApiError(409, message)
/** The plugin answers and refuses, or cannot do this. */
export const unprocessable = (message: string) => new ApiError(422, message)
/** The plugin is away. */
export const unavailable = (message: string) => new ApiError(503, message)
