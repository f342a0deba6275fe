import type { IncomingHttpHeaders } from 'node:http'
import type { Access } from '../acl/access.ts'
import { badRequest } from '../errors.ts'
import { parseNamespace } from './read-options.ts'

/** A request as the routes see it. */
export interface ApiRequest {
  /** The named parts of the path, decoded. */
  readonly params: Readonly<Record<string, string>>
  readonly query: URLSearchParams
  readonly headers: IncomingHttpHeaders
  /** The one region that there is. */
  readonly region: string
  /** What the client may do. A handler runs only when the client has what the operation needs. */
  readonly access: Access
  /** Aborts when the client is gone or the server closes. */
  readonly signal: AbortSignal
}

/** @throws ApiError 400, in Nomad's words, where a request names another region */
export function requireRegion(wanted: string | null | undefined, region: string): void {
  if (wanted && wanted !== region) throw badRequest('No path to region')
}

/** The elements of an array, each written as JSON when its turn comes. */
export interface JSONElements<Row = unknown> {
  readonly rows: readonly Row[]
  /** Adds the parts of one element, which are joined by commas. */
  write(row: Row, parts: string[]): void
}

/** What a route answers with status 200. */
export interface ApiAnswer {
  /** Sent as JSON; absent: an empty body. */
  readonly body?: unknown
  /** A body that is JSON already. */
  readonly json?: string
  /** A body that is an array, perhaps a long one, whose elements are written as they are sent. */
  readonly elements?: JSONElements
  /** A body without an end: each text goes out as it comes. */
  readonly lines?: AsyncIterable<string>
  /** X-Nomad-Index, with the headers that go with it; absent: none of them. */
  readonly index?: number
  /** X-Nomad-NextToken; `''`: the last page. */
  readonly nextToken?: string
}

export type Handler = (request: ApiRequest) => ApiAnswer | Promise<ApiAnswer>

/** One request, on its way to its answer. */
export interface PreparedRequest {
  /** The namespaces that it is about: what it needs it needs in each of them. @throws ApiError 400 for a bad body */
  namespaces(): readonly string[]
  run(): ApiAnswer | Promise<ApiAnswer>
}

/** An operation that needs its body, too, to know what it is about. */
export interface BodyOperation {
  /** @param bytes undefined: there is no body */
  prepare(request: ApiRequest, bytes: Buffer | undefined): PreparedRequest
}

/** How a body is read. */
export interface BodyReader<Body> {
  /** @throws ApiError 400 */
  read(bytes: Buffer | undefined, request: ApiRequest): Body
  /** Default: the one of the query. */
  namespaces?(body: Body): readonly string[]
}

/** An operation with a body. The body is read once, when its namespaces or its content are needed first. */
export function takesBody<Body>(
  { read, namespaces }: BodyReader<Body>,
  handler: (request: ApiRequest, body: Body) => ApiAnswer | Promise<ApiAnswer>,
): BodyOperation {
  return {
    prepare(request, bytes) {
      let known: { readonly body: Body } | undefined
      const body = () => {
        known ??= { body: read(bytes, request) }
        return known.body
      }
      return {
        namespaces: () => namespaces?.(body()) ?? [parseNamespace(request.query)],
        run: () => handler(request, body()),
      }
    },
  }
}

export type Operation = Handler | BodyOperation

/** Reads no body yet. */
export function prepareRequest(
  operation: Operation,
  request: ApiRequest,
  bytes: Buffer | undefined,
): PreparedRequest {
  if (typeof operation !== 'function') return operation.prepare(request, bytes)
  return { namespaces: () => [parseNamespace(request.query)], run: () => operation(request) }
}

/** One path of the API. A POST is taken wherever a PUT is; any other method is refused with 405. */
export interface Resource {
  /** As find-my-way writes it: `/v1/volume/csi/:id`. */
  readonly path: string
  readonly GET?: Operation
  readonly PUT?: Operation
  readonly DELETE?: Operation
}
