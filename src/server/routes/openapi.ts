import { packageVersion } from '../../lib/version.ts'
import type { Resource } from '../http/api.ts'
import { createOpenApiDocument } from '../openapi/document.ts'

let document: object | undefined

/** What the server serves, for people and generators. */
export function openApiRoutes(): Resource[] {
  return [
    {
      path: '/v1/openapi.json',
      GET: () => {
        document ??= createOpenApiDocument(packageVersion())
        return { body: document }
      },
    },
  ]
}
