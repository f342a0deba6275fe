/**
 * What a structural schema does to an object: fields that it does not know are dropped, defaults are filled in,
 * and the rest is validated. Rules in CEL are not: only a real API server has them.
 */
import { Compile } from 'typebox/schema'
import type { Cause } from './failure.ts'
import { asRecord, asStrings, isRecord, type JsonObject } from './json.ts'

export type Schema = JsonObject

export interface CompiledSchema {
  readonly schema: Schema
  /** Without unknown fields, with defaults. */
  prune(object: JsonObject): JsonObject
  /** Paths that the schema does not know. */
  unknownFields(object: JsonObject): string[]
  validate(object: JsonObject): readonly Cause[]
}

const ownFields = { apiVersion: { type: 'string' }, kind: { type: 'string' } }

/** @param schema openAPIV3Schema of a CRD's version */
export function compileSchema(given: Schema): CompiledSchema {
  const schema: Schema = {
    ...given,
    properties: {
      ...asRecord(given.properties),
      ...ownFields,
      metadata: { 'x-kubernetes-preserve-unknown-fields': true },
    },
  }
  const compiled = Compile(toJsonSchema(schema) as Parameters<typeof Compile>[0])
  return {
    schema,
    prune: (object) => asRecord(prune(object, schema)),
    unknownFields: (object) => unknownFields(object, schema, ''),
    validate(object) {
      const duplicates = findDuplicates(object, schema, '')
      // Errors is much slower than Check.
      if (compiled.Check(object)) return duplicates
      const [, errors] = compiled.Errors(object)
      return [...duplicates, ...errors.flatMap((error) => causesOf(error, object))]
    },
  }
}

/** `required`, `enum` … in the words of Kubernetes' field errors. */
function causesOf(
  error: { keyword: string; instancePath: string; message: string; params: object },
  object: JsonObject,
): Cause[] {
  const parts = error.instancePath.split('/').slice(1).map(unescapePart)
  const field = fieldOf(parts)
  const value = JSON.stringify(valueAt(object, parts))
  const params = error.params as { requiredProperties?: string[]; allowedValues?: unknown[] }
  switch (error.keyword) {
    case 'required':
      return (params.requiredProperties ?? []).map((name) => ({
        reason: 'FieldValueRequired',
        message: 'Required value',
        field: fieldOf([...parts, name]),
      }))
    case 'enum':
      return [
        {
          reason: 'FieldValueNotSupported',
          message: `Unsupported value: ${value}: supported values: ${(params.allowedValues ?? []).map((one) => JSON.stringify(one)).join(', ')}`,
          field,
        },
      ]
    case 'type':
      return [
        { reason: 'FieldValueTypeInvalid', message: `Invalid value: ${value}: ${error.message}`, field },
      ]
    case 'maxItems':
      return [{ reason: 'FieldValueTooMany', message: `Too many: ${error.message}`, field }]
    case 'maxLength':
      return [{ reason: 'FieldValueTooLong', message: `Too long: ${error.message}`, field }]
    default:
      return [{ reason: 'FieldValueInvalid', message: `Invalid value: ${value}: ${error.message}`, field }]
  }
}

const unescapePart = (part: string) => part.replaceAll('~1', '/').replaceAll('~0', '~')

function fieldOf(parts: readonly string[]): string {
  return parts.reduce((path, part) => {
    if (/^\d+$/.test(part)) return `${path}[${part}]`
    return path ? `${path}.${part}` : part
  }, '')
}

function valueAt(value: unknown, parts: readonly string[]): unknown {
  return parts.reduce(
    (current, part) => (Array.isArray(current) ? current[Number(part)] : asRecord(current)[part]),
    value,
  )
}

/** Kubernetes' extensions in the terms of JSON Schema. */
function toJsonSchema(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(toJsonSchema)
  if (!isRecord(schema)) return schema
  const result: JsonObject = {}
  for (const [name, value] of Object.entries(schema)) {
    if (name === 'properties') {
      result[name] = Object.fromEntries(
        Object.entries(asRecord(value)).map(([property, inner]) => [property, toJsonSchema(inner)]),
      )
    } else if (name === 'nullable' || name === 'default' || name.startsWith('x-kubernetes-')) {
      // Said otherwise below, or not a matter of validation.
    } else result[name] = name === 'enum' || name === 'required' ? value : toJsonSchema(value)
  }
  if (schema['x-kubernetes-int-or-string'] === true && schema.anyOf === undefined) {
    result.anyOf = [{ type: 'integer' }, { type: 'string' }]
  }
  return schema.nullable === true ? { anyOf: [{ type: 'null' }, result] } : result
}

const keepsUnknown = (schema: Schema) => schema['x-kubernetes-preserve-unknown-fields'] === true

/** undefined: the schema does not know the field. */
export function fieldSchema(schema: Schema, name: string): Schema | undefined {
  const known = asRecord(schema.properties)[name]
  if (isRecord(known)) return known
  if (isRecord(schema.additionalProperties)) return schema.additionalProperties
  if (schema.additionalProperties === true || keepsUnknown(schema)) {
    return { 'x-kubernetes-preserve-unknown-fields': true }
  }
  return undefined
}

function prune(value: unknown, schema: Schema): unknown {
  if (Array.isArray(value)) {
    return value.map((item) => (isRecord(schema.items) ? prune(item, schema.items) : item))
  }
  if (!isRecord(value)) return value
  const result: JsonObject = {}
  for (const [name, inner] of Object.entries(value)) {
    const known = fieldSchema(schema, name)
    if (!known) continue
    // Kubernetes prunes a null that is not allowed where a default is.
    if (inner === null && known.nullable !== true && known.default !== undefined) continue
    result[name] = prune(inner, known)
  }
  for (const [name, known] of Object.entries(asRecord(schema.properties))) {
    if (result[name] === undefined && isRecord(known) && known.default !== undefined) {
      result[name] = prune(structuredClone(known.default), known)
    }
  }
  return result
}

function unknownFields(value: unknown, schema: Schema, path: string): string[] {
  if (Array.isArray(value)) {
    const items = schema.items
    return isRecord(items)
      ? value.flatMap((item, index) => unknownFields(item, items, `${path}[${index}]`))
      : []
  }
  if (!isRecord(value)) return []
  return Object.entries(value).flatMap(([name, inner]) => {
    const known = fieldSchema(schema, name)
    return known ? unknownFields(inner, known, `${path}.${name}`) : [`${path}.${name}`]
  })
}

/** The keys of an element of a list that is a map, as a field set names it. */
export function keyOfElement(element: unknown, schema: Schema): string {
  const record = asRecord(element)
  const keys = asStrings(schema['x-kubernetes-list-map-keys'])
  return JSON.stringify(Object.fromEntries(keys.map((key) => [key, record[key]])))
}

function findDuplicates(value: unknown, schema: Schema, path: string): Cause[] {
  if (Array.isArray(value)) {
    const items = asRecord(schema.items)
    const inner = value.flatMap((item, index) => findDuplicates(item, items, `${path}[${index}]`))
    const type = schema['x-kubernetes-list-type']
    if (type !== 'set' && type !== 'map') return inner
    const seen = new Set<string>()
    const repeated = value.flatMap((item, index) => {
      const key = type === 'set' ? JSON.stringify(item) : keyOfElement(item, schema)
      if (seen.size < seen.add(key).size) return []
      return [
        { reason: 'FieldValueDuplicate', message: `Duplicate value: ${key}`, field: `${path}[${index}]` },
      ]
    })
    return [...inner, ...repeated]
  }
  if (!isRecord(value)) return []
  return Object.entries(value).flatMap(([name, inner]) =>
    findDuplicates(inner, fieldSchema(schema, name) ?? {}, path ? `${path}.${name}` : name),
  )
}
