import type { Handler } from '../http/api.ts'
import { permissionDenied } from './acl.ts'
import { type Need, needs } from './needs.ts'

/**
 * A handler that is reached only by requests that have what their operation needs. A query that waited is looked at
 * again before its answer goes out: the token may have ended meanwhile.
 * @throws Error where the table of needs does not have the operation
 */
export function guardHandler(method: string, path: string, handler: Handler): Handler {
  const operation = `${method} ${path}`
  const need: Need | undefined = Object.hasOwn(needs, operation) ? needs[operation] : undefined
  if (need === undefined) throw new Error(`src/server/acl/needs.ts does not say what ${operation} needs`)
  return async (request) => {
    if (!need.isMet(request)) throw permissionDenied()
    const answer = await handler(request)
    if (method === 'GET' && !need.isMet(request)) throw permissionDenied()
    return answer
  }
}
