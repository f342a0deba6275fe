import Type from 'typebox'
import { needs } from '../acl/needs.ts'
import { type Operation, operations } from './operations.ts'
import { shapes } from './shapes.ts'

/** The OpenAPI 3.1 document of this server, made from the schemas that its code uses. */
export function createOpenApiDocument(version: string): object {
  const paths: Record<string, Record<string, object>> = {}
  for (const [key, operation] of Object.entries(operations)) {
    const [method = '', path = ''] = key.split(' ')
    const template = path.replaceAll(/:(\w+)/g, '{$1}')
    const described = describe(path, operation, needs[key]?.text ?? 'nothing')
    paths[template] ??= {}
    for (const taken of method === 'PUT' ? ['put', 'post'] : [method.toLowerCase()]) {
      paths[template][taken] = described
    }
  }
  const schemas = Object.entries(shapes).map(([name, shape]) => [name, toJSONSchema(shape, true)])
  return {
    openapi: '3.1.0',
    info: {
      title: 'Volumes HTTP API of mooring server',
      version,
      description:
        'The Volumes HTTP API of HashiCorp Nomad over CSI plugins. docs/volumes-api.md lists the differences.',
    },
    paths,
    components: {
      schemas: Object.fromEntries(schemas),
      securitySchemes: {
        nomadToken: { type: 'apiKey', in: 'header', name: 'X-Nomad-Token' },
        bearer: { type: 'http', scheme: 'bearer' },
      },
    },
    security: [{}, { nomadToken: [] }, { bearer: [] }],
  }
}

const string = { type: 'string' }
const header = (description: string) => ({ description, schema: string })

function describe(
  path: string,
  { summary, query = [], body, answer, blocks = false }: Operation,
  need: string,
) {
  const parameter = (where: 'path' | 'query') => (name: string) => ({
    name,
    in: where,
    ...(where === 'path' && { required: true }),
    schema: string,
  })
  const names = [...path.matchAll(/:(\w+)/g)].map(([, name = '']) => name)
  const everywhere = ['namespace', 'region', 'pretty', ...(blocks ? ['index', 'wait', 'stale'] : [])]
  return {
    summary,
    description: `Under an ACL it needs: ${need}.`,
    parameters: [...names.map(parameter('path')), ...[...query, ...everywhere].map(parameter('query'))],
    ...(body !== undefined && {
      requestBody: { content: { 'application/json': { schema: toJSONSchema(body) } } },
    }),
    responses: {
      200: {
        description: 'Done.',
        ...(blocks && {
          headers: {
            'X-Nomad-Index': header('Send it as `index` to wait for a newer answer.'),
            'X-Nomad-NextToken': header('If there is another page: the `next_token` that asks for it.'),
          },
        }),
        ...(answer !== undefined && { content: { 'application/json': { schema: toJSONSchema(answer) } } }),
      },
      default: {
        description: 'The reason in plain text. The status says what happened.',
        content: { 'text/plain': { schema: string } },
      },
    },
  }
}

const nameOf = new Map<unknown, string>(Object.entries(shapes).map(([name, shape]) => [shape, name]))

/** A schema as plain JSON. Named shapes become references, and 64-bit integers become `int64`. */
function toJSONSchema(schema: unknown, isRoot = false): unknown {
  const name = isRoot ? undefined : nameOf.get(schema)
  if (name !== undefined) return { $ref: `#/components/schemas/${name}` }
  if (Array.isArray(schema)) return schema.map((item) => toJSONSchema(item))
  if (typeof schema !== 'object' || schema === null) return schema
  if (Type.IsUnion(schema) && schema.anyOf.some((variant) => Type.IsBigInt(variant))) {
    return { type: 'integer', format: 'int64' }
  }
  return Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, toJSONSchema(value)]))
}
