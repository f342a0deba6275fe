import { Compile } from 'typebox/schema'

interface OpenApi {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Described>>>>
  readonly components: object
}
interface Described {
  readonly responses: {
    readonly 200: { readonly content?: { readonly 'application/json': { readonly schema: object } } }
  }
}

export interface SeenAnswer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
}

/** Why an OpenAPI document does not describe an answer; undefined where it does. */
export type DescribeFault = (method: string, path: string, answer: SeenAnswer) => string | undefined

/** Reads a document. Its objects are taken as closed: a field that is not in it is not described. */
export function createDescribeFault(text: string): DescribeFault {
  const document: OpenApi = JSON.parse(text)
  const components = close(document.components)
  const patterns = Object.entries(document.paths).map(([template, methods]) => ({
    // What is fixed comes before what is a parameter.
    weight: template.split('{').length,
    pattern: new RegExp(`^${template.replaceAll('.', '\\.').replaceAll(/\{\w+\}/g, '[^/]+')}$`),
    methods,
  }))
  patterns.sort((one, other) => one.weight - other.weight)
  return (method, path, { status, headers, text }) => {
    const [pathname = ''] = path.split('?')
    const described = patterns.find(({ pattern }) => pattern.test(pathname))?.methods[method.toLowerCase()]
    if (described === undefined)
      // An empty list stands for what the server has none of, such as jobs.
      return status === 404 || status === 405 || text === '[]' ? undefined : 'it is not in the document'
    const type = headers.get('content-type')
    if (status !== 200) return type === 'text/plain; charset=utf-8' ? undefined : `it is ${type}`
    const schema = described.responses[200].content?.['application/json'].schema
    if (schema === undefined) return text === '' ? undefined : 'it has a body'
    if (type !== 'application/json') return `it is ${type}`
    const root = { ...(close(schema) as object), components }
    const [isDescribed, errors] = Compile(root).Errors(JSON.parse(text))
    return isDescribed ? undefined : JSON.stringify(errors.slice(0, 3))
  }
}

function close(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(close)
  if (typeof schema !== 'object' || schema === null) return schema
  const closed = Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, close(value)]))
  return closed.type === 'object' && 'properties' in closed && typeof closed.properties === 'object'
    ? { additionalProperties: false, ...closed }
    : closed
}
