import Type from 'typebox'
import type { Int64 } from '../../lib/json.ts'
import { badRequest } from '../errors.ts'
import { type ApiRequest, requireRegion } from './api.ts'
import { JSONFault, NotAnInteger, parseStrictJSON } from './parse-json.ts'

const int64Range = { min: -(2n ** 63n), max: 2n ** 63n - 1n }

/**
 * Reads a request's body as JSON. Its Content-Type does not count.
 * @throws ApiError 400
 */
export function parseBody(body: Buffer | undefined): unknown {
  if (body === undefined || body.length === 0) throw badRequest('Request body is empty')
  try {
    return parseStrictJSON(body.toString('utf8'))
  } catch (error) {
    if (!(error instanceof JSONFault)) throw error
    throw badRequest(`Request body is not valid JSON: ${error.message}`)
  }
}

/** The top of every body that may name its region, as Nomad's requests do. */
const RegionBody = Type.Object({ Region: Type.Optional(Type.String()) })

/**
 * Reads a request's body, and fits it to a schema. @throws ApiError 400 also where the body names another region
 */
export function readBody<Schema extends Type.TObject>(
  schema: Schema,
  bytes: Buffer | undefined,
  { query, region }: Pick<ApiRequest, 'query' | 'region'>,
): Type.Static<Schema> {
  const body = parseBody(bytes)
  // The region of the query comes first.
  if (isPlainObject(body) && !query.get('region')) requireRegion(decode(RegionBody, body).Region, region)
  return decode(schema, body)
}

/**
 * Fits outside JSON to a schema as Go's decoder would: names match without case, unknown ones are ignored, null is
 * the same as absent, an absent required field is its type's zero value, and nothing is coerced. 64-bit integers
 * stay exact. Strings become well-formed Unicode. Two names for one field are refused; Go takes the last.
 * @param path what an error calls the value, such as `Volumes[0].Name`; empty for the body itself
 * @throws ApiError 400 that names the path and the wanted type, never the value
 */
export function decode<Schema extends Type.TSchema>(
  schema: Schema,
  value: unknown,
  path = '',
): Type.Static<Schema> {
  // The walk below builds exactly what the schema describes, which the compiler cannot follow.
  return decodeValue(schema, value, path) as Type.Static<Schema>
}

function decodeValue(schema: Type.TSchema, value: unknown, path: string): unknown {
  if (Type.IsUnknown(schema)) return value
  if (Type.IsUnion(schema)) return decodeUnion(schema, value, path)
  if (Type.IsString(schema)) {
    if (value === undefined || value === null) return ''
    if (typeof value !== 'string') throw mismatch(path, 'a string', value)
    return value.toWellFormed()
  }
  if (Type.IsBoolean(schema)) {
    if (value === undefined || value === null) return false
    if (typeof value !== 'boolean') throw mismatch(path, 'true or false', value)
    return value
  }
  if (Type.IsArray(schema)) {
    if (value === undefined || value === null) return []
    if (!Array.isArray(value)) throw mismatch(path, 'an array', value)
    return value.map((item, position) => {
      const itemPath = `${path}[${position}]`
      if (item === null && !acceptsNull(schema.items)) throw mismatch(itemPath, 'a value', item)
      return decodeValue(schema.items, item, itemPath)
    })
  }
  if (Type.IsRecord(schema)) return decodeMap(schema, value, path)
  if (Type.IsObject(schema)) return decodeObject(schema, value, path)
  throw new TypeError(`no decoder for the schema at ${path}`)
}

function decodeUnion(schema: Type.TUnion, value: unknown, path: string): unknown {
  const variants = schema.anyOf.filter((variant) => !Type.IsNull(variant))
  if (variants.some((variant) => Type.IsBigInt(variant))) return decodeInt64(value, path)
  if (value === null && acceptsNull(schema)) return null
  const [only] = variants
  if (only === undefined || variants.length > 1) throw new TypeError(`no decoder for the union at ${path}`)
  return decodeValue(only, value, path)
}

function decodeInt64(value: unknown, path: string): Int64 {
  if (value === undefined || value === null) return 0
  if (typeof value === 'number' && Number.isSafeInteger(value)) return value
  if (typeof value !== 'bigint') throw mismatch(path, 'an integer', value)
  if (value < int64Range.min || value > int64Range.max) throw mismatch(path, 'an integer of 64 bits', value)
  return value
}

function decodeMap(schema: Type.TRecord, value: unknown, path: string): unknown {
  if (value === undefined || value === null) return {}
  if (!isPlainObject(value)) throw mismatch(path, 'an object', value)
  const [items = Type.Unknown()] = Object.values(schema.patternProperties)
  // Object.fromEntries defines its properties, so that a key `__proto__` is a key like any other.
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [
      key.toWellFormed(),
      decodeValue(items, item, `${path}[${JSON.stringify(key)}]`),
    ]),
  )
}

function decodeObject(schema: Type.TObject, value: unknown, path: string): unknown {
  if (value === undefined || value === null) return decodeObject(schema, {}, path)
  if (!isPlainObject(value)) throw mismatch(path, 'an object', value)
  const known = new Set(Object.keys(schema.properties).map((name) => name.toLowerCase()))
  const byLowerName = new Map<string, unknown>()
  for (const [name, item] of Object.entries(value)) {
    const lower = name.toLowerCase()
    if (byLowerName.has(lower) && known.has(lower)) {
      throw badRequest(`cannot decode ${path === '' ? 'the body' : path}: the field ${name} is there twice`)
    }
    byLowerName.set(lower, item)
  }
  const fields: [string, unknown][] = []
  for (const [name, field] of Object.entries(schema.properties)) {
    const item = byLowerName.get(name.toLowerCase())
    if ((item === undefined || item === null) && Type.IsOptional(field)) continue
    fields.push([name, decodeValue(field, item, path === '' ? name : `${path}.${name}`)])
  }
  return Object.fromEntries(fields)
}

const acceptsNull = (schema: Type.TSchema) =>
  Type.IsUnion(schema) && schema.anyOf.some((variant) => Type.IsNull(variant))

/** A JSON object: neither null nor an array. */
export const isPlainObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof NotAnInteger)

function mismatch(path: string, wanted: string, value: unknown) {
  const given = value === null ? 'null' : Array.isArray(value) ? 'an array' : `a JSON ${jsonType(value)}`
  return badRequest(`cannot decode ${path === '' ? 'the body' : path}: want ${wanted}, got ${given}`)
}

function jsonType(value: unknown): string {
  if (value instanceof NotAnInteger) return 'number with a fraction or an exponent'
  return typeof value === 'bigint' ? 'number' : typeof value
}
