import { describe, expect, it } from 'vitest'
import { createApiDocument } from '../../../../../src/operator/admin/http/openapi.ts'
import { apiRoutes } from '../../../../../src/operator/admin/http/routes.ts'

interface ApiDocument {
  readonly paths: Readonly<
    Record<
      string,
      Record<string, { parameters?: { name: string }[]; requestBody?: object; responses: object }>
    >
  >
}

describe('the OpenAPI document', () => {
  const { paths } = createApiDocument('1.2.3') as ApiDocument

  it('has every route with its parameters, its body and its answer', () => {
    for (const { method, path, query, body, answer } of apiRoutes) {
      const described = paths[path]?.[method.toLowerCase()]
      const named = described?.parameters
        ?.map(({ name }) => name)
        .filter((name) => name !== 'mooring-request')
      const { properties = {} } = (query ?? {}) as { properties?: object }
      expect(named, path).toEqual(Object.keys(properties))
      expect(described?.requestBody !== undefined, path).toBe(body !== undefined)
      expect(described?.responses).toMatchObject({
        200: { content: { 'application/json': { schema: answer } } },
      })
    }
  })

  it('is JSON, and says that writes carry the header', () => {
    expect(JSON.parse(JSON.stringify(paths['/api/orders']?.post?.parameters))).toContainEqual(
      expect.objectContaining({ name: 'mooring-request', in: 'header', required: true }),
    )
  })
})
