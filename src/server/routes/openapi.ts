import { packageVersion } from '../../lib/version.ts'
import type { Resource } from '../http/api.ts'
import { createOpenApiDocument } from '../openapi/document.ts'

/** What the server serves, for people and generators. */
export function openApiRoutes(): Resource[] {
  const body = createOpenApiDocument(packageVersion())
  return [{ path: '/v1/openapi.json', GET: () => ({ body }) }]
}
