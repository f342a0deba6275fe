import type { IncomingHttpHeaders } from 'node:http'
import type { Access } from '../acl/access.ts'

/** A request as the routes see it. */
export interface ApiRequest {
  /** The named parts of the path, decoded. */
  readonly params: Readonly<Record<string, string>>
  readonly query: URLSearchParams
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer | undefined
  /** What whoever sent it may do. What the operation itself needs is there when a handler is called. */
  readonly access: Access
  /** Aborts when the client is gone or the server closes. */
  readonly signal: AbortSignal
}

/** The elements of an array, each written as JSON when its turn comes. */
export interface JSONElements<Row = unknown> {
  readonly rows: readonly Row[]
  write(row: Row): string
}

/** What a route answers with status 200. */
export interface ApiAnswer {
  /** Sent as JSON; absent: an empty body. */
  readonly body?: unknown
  /** A body that is an array, perhaps a long one, whose elements are written as they are sent. */
  readonly elements?: JSONElements
  /** X-Nomad-Index, with the headers that go with it; absent: none of them. */
  readonly index?: number
  /** X-Nomad-NextToken; `''`: the last page. */
  readonly nextToken?: string
}

export type Handler = (request: ApiRequest) => ApiAnswer | Promise<ApiAnswer>

/** One path of the API. A POST is taken wherever a PUT is; any other method is refused with 405. */
export interface Resource {
  /** As find-my-way writes it: `/v1/volume/csi/:id`. */
  readonly path: string
  readonly GET?: Handler
  readonly PUT?: Handler
  readonly DELETE?: Handler
}
