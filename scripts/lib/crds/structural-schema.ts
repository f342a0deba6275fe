import { RE2JS } from 're2js'
import { longestQuantity, quantityPattern } from '../../../src/operator/declare/quantities.ts'

/** A schema as a CRD has it: `openAPIV3Schema` and everything beneath. */
export type StructuralSchema = Readonly<Record<string, unknown>>

/** Part of a TypeBox schema: JSON Schema, and the extensions of src/operator/declare/kubernetes.ts. */
type Schema = Readonly<Record<string, unknown>>

export interface StructuralOptions {
  /**
   * Whether every string, list and map has to have a greatest length: without one the API server takes the
   * largest that a request could hold for the cost of a rule in CEL, and refuses the rule.
   */
  readonly isBounded: boolean
}

/** What a CRD says in the same words. */
const keptAsTheyAre = [
  'type',
  'description',
  'enum',
  'default',
  'format',
  'pattern',
  'minLength',
  'maxLength',
  'minimum',
  'maximum',
  'minItems',
  'maxItems',
  'minProperties',
  'maxProperties',
  'required',
  'x-kubernetes-list-type',
  'x-kubernetes-list-map-keys',
  'x-kubernetes-validations',
]

/** What is said in another way, checked elsewhere, or means nothing to Kubernetes. */
const dealtWith = [
  'const',
  'properties',
  'items',
  'anyOf',
  'patternProperties',
  'additionalProperties',
  'uniqueItems',
  'x-kubernetes-int-or-string',
  'x-mooring-only',
  'x-mooring-unquoted',
  'patternErrorMessage',
  'title',
]

/**
 * Turns a schema of a kind into the structural one that a CRD may have: literals become enums, records
 * additionalProperties, capacities int-or-string with a pattern, unique lists sets or maps, and what is for
 * files only is left out.
 * @param path for messages, such as `Volume.spec`
 * @throws Error that names the place of what a CRD cannot express
 */
export function toStructural(schema: Schema, path: string, options: StructuralOptions): StructuralSchema {
  const fail = (what: string): never => {
    throw new Error(`${path}: ${what}`)
  }
  const own = collapseUnion(schema, fail)
  const unknown = Object.keys(own).filter((key) => !keptAsTheyAre.includes(key) && !dealtWith.includes(key))
  if (unknown.length > 0) fail(`a CRD cannot express ${unknown.join(', ')}`)

  const result: Record<string, unknown> = {}
  for (const key of keptAsTheyAre) if (own[key] !== undefined) result[key] = own[key]
  checkRules(own['x-kubernetes-validations'], path)
  if (own['x-kubernetes-int-or-string'] === true) return intOrString(result)
  if (own.const !== undefined) result.enum = [own.const]
  if (Array.isArray(result.enum)) result.type = typeOfValues(result.enum, fail)

  switch (result.type) {
    case 'string':
      checkString(result, options, fail)
      break
    case 'integer':
      result.format ??= isInt32(own) ? 'int32' : 'int64'
      break
    case 'boolean':
      break
    case 'array':
      if (options.isBounded && own.maxItems === undefined) fail('is a list without maxItems')
      result.items = toStructural(asSchema(own.items, fail), `${path}[]`, options)
      if (own.uniqueItems === true) Object.assign(result, uniqueList(asSchema(result.items, fail), fail))
      result['x-kubernetes-list-type'] ??= 'atomic'
      break
    case 'object':
      Object.assign(result, fieldsOrEntries(own, path, options, fail))
      break
    default:
      fail(`a CRD cannot express the type ${JSON.stringify(own.type)}`)
  }
  return result
}

/** Words that CEL keeps for itself: a field of that name is written `__word__`, or costs the rule its bounds. */
const reservedWord =
  /\.(as|break|const|continue|else|false|for|function|if|import|in|let|loop|namespace|null|package|return|true|void|while)\b/

/** @throws Error for a rule that the API server would not compile, or not afford */
export function checkRules(rules: unknown, path: string): void {
  for (const { rule } of Array.isArray(rules) ? rules : []) {
    const [, word] = reservedWord.exec(rule) ?? []
    if (word !== undefined)
      throw new Error(`${path}: in CEL the field ${word} is written __${word}__: ${rule}`)
  }
}

/** Of a union, the members that an object may have: one has to be left. */
function collapseUnion(schema: Schema, fail: (what: string) => never): Schema {
  if (schema.anyOf === undefined) return schema
  const { anyOf, ...rest } = schema
  const members = (Array.isArray(anyOf) ? anyOf : []).filter((member) => !isForFilesOnly(member))
  if (members.length !== 1) fail(`a CRD cannot express a union of ${members.length}`)
  return { ...members[0], ...rest }
}

const isForFilesOnly = (schema: Schema) => schema['x-mooring-only'] === 'file'

function fieldsOrEntries(
  own: Schema,
  path: string,
  options: StructuralOptions,
  fail: (what: string) => never,
): StructuralSchema {
  if (own.properties !== undefined) {
    if (own.patternProperties !== undefined) fail('a CRD cannot express fields and a map in one')
    const fields = Object.entries(asSchema(own.properties, fail))
      .map(([name, field]) => [name, asSchema(field, fail)] as const)
      .filter(([, field]) => !isForFilesOnly(field))
    const names = fields.map(([name]) => name)
    for (const [name, { description }] of fields)
      if (typeof description !== 'string') fail(`${name} has no description for kubectl explain to show`)
    for (const name of Array.isArray(own.required) ? own.required : [])
      if (!names.includes(name)) fail(`requires ${name}, which objects do not have`)
    // Fields that no schema knows are pruned, and told by the API server's field validation.
    return {
      properties: Object.fromEntries(
        fields.map(([name, field]) => [name, toStructural(field, `${path}.${name}`, options)]),
      ),
    }
  }
  const patterns = Object.entries(asSchema(own.patternProperties ?? {}, fail))
  const [entry] = patterns
  if (patterns.length !== 1 || entry === undefined) return fail('a CRD cannot express an object of anything')
  if (options.isBounded && own.maxProperties === undefined) fail('is a map without maxProperties')
  const [pattern, value] = entry
  checkPattern(pattern, fail)
  // A map's keys have no schema in a CRD: reading the object checks them, and says so on its conditions.
  return { additionalProperties: toStructural(asSchema(value, fail), `${path}{}`, options) }
}

function intOrString({ description }: Schema): StructuralSchema {
  return {
    description,
    anyOf: [{ type: 'integer' }, { type: 'string' }],
    'x-kubernetes-int-or-string': true,
    pattern: quantityPattern,
    maxLength: longestQuantity,
  }
}

/** A set where the items are plain values; a map where all of the items' fields together are their key. */
function uniqueList(items: Schema, fail: (what: string) => never): StructuralSchema {
  if (items.type !== 'object') return { 'x-kubernetes-list-type': 'set' }
  const fields = Object.keys(asSchema(items.properties ?? {}, fail))
  const required = Array.isArray(items.required) ? items.required : []
  if (fields.length === 0 || fields.some((field) => !required.includes(field)))
    fail('a CRD cannot express a list of unique objects with fields that are not required')
  return { 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': fields }
}

function checkString(schema: Schema, { isBounded }: StructuralOptions, fail: (what: string) => never): void {
  const isShort = schema.maxLength !== undefined || schema.enum !== undefined || schema.format !== undefined
  if (isBounded && !isShort) fail('is a string without maxLength')
  if (typeof schema.pattern === 'string') checkPattern(schema.pattern, fail)
}

/** The API server reads patterns by RE2. */
function checkPattern(pattern: string, fail: (what: string) => never): void {
  try {
    RE2JS.compile(pattern)
  } catch (error) {
    fail(`the pattern ${pattern} is not one of RE2: ${error}`)
  }
}

function typeOfValues(values: readonly unknown[], fail: (what: string) => never): string {
  const types = new Set(values.map((value) => typeof value))
  const [type] = types
  if (types.size !== 1 || (type !== 'string' && type !== 'boolean')) fail('is an enum of mixed types')
  return String(type)
}

const isInt32 = ({ maximum }: Schema) => typeof maximum === 'number' && maximum < 2 ** 31

function asSchema(value: unknown, fail: (what: string) => never): Schema {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? { ...value }
    : fail('is not a schema')
}
