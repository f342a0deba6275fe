import type { IncomingHttpHeaders } from 'node:http'
import type { Acl } from '../acl/acl.ts'
import { createGuard } from '../acl/authorize.ts'
import { type ApiAnswer, type ApiRequest, prepareRequest, type Resource, requireRegion } from './api.ts'

/** The methods that resources tell apart. */
export type ServedMethod = 'GET' | 'PUT' | 'DELETE'

/** A POST is taken wherever a PUT is; undefined: no resource serves the method. */
export const servedMethod = (method: string): ServedMethod | undefined =>
  method === 'POST' ? 'PUT' : method === 'GET' || method === 'PUT' || method === 'DELETE' ? method : undefined

/** A request that has come in whole. */
export interface ReceivedRequest {
  /** With the query. */
  readonly url: string
  readonly params: Readonly<Record<string, string>>
  readonly headers: IncomingHttpHeaders
  readonly signal: AbortSignal
}

/** @throws ApiError 400 where it names another region, 403 for a token that is not known */
export function readRequest(received: ReceivedRequest, region: string, acl: Acl): ApiRequest {
  const { url, params, headers, signal } = received
  const query = new URLSearchParams(url.split('?').slice(1).join('?'))
  requireRegion(query.get('region'), region)
  return { params, query, region, access: acl.accessOf(headers), headers, signal }
}

/**
 * The operation of a resource, for whoever may: its answer rests on what is on the disk.
 * @param settled as State has it @returns undefined: the resource does not have the method
 */
export function createOperation(
  resource: Resource,
  method: ServedMethod,
  settled: () => Promise<void> | undefined,
): ((request: ApiRequest, bytes: Buffer | undefined) => Promise<ApiAnswer>) | undefined {
  const operation = resource[method]
  if (operation === undefined) return undefined
  const guard = createGuard(method, resource.path)
  return async (request, bytes) => {
    const { namespaces, run } = prepareRequest(operation, request, bytes)
    try {
      return await guard(
        { namespaces, access: request.access, params: request.params, query: request.query },
        run,
      )
    } finally {
      await settled()
    }
  }
}
