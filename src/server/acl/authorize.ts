import { permissionDenied } from './acl.ts'
import { type AskedFor, type Need, needs } from './needs.ts'

/**
 * Runs an operation only for requests that have what it needs. A query that waited is looked at again before its
 * answer goes out: the token may have ended meanwhile.
 * @returns takes what is asked for, and the work @throws ApiError 403
 * @throws Error where the table of needs does not have the operation
 */
export function createGuard(
  method: string,
  path: string,
): <Answer>(asked: AskedFor, run: () => Answer | Promise<Answer>) => Promise<Answer> {
  const operation = `${method} ${path}`
  const need: Need | undefined = Object.hasOwn(needs, operation) ? needs[operation] : undefined
  if (need === undefined) throw new Error(`src/server/acl/needs.ts does not say what ${operation} needs`)
  return async (asked, run) => {
    if (!need.isMet(asked)) throw permissionDenied()
    const answer = await run()
    if (method === 'GET' && !need.isMet(asked)) throw permissionDenied()
    return answer
  }
}
