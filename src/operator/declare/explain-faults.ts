import { closestMatch } from 'leven'
import type Type from 'typebox'
import { Settings } from 'typebox/system'
import { Errors } from 'typebox/value'
import type { Fault, FieldPath } from './fault.ts'
import { explainSecretReference } from './secret-reference.ts'

/** The result of reading one document. */
export type Reading<Spec> =
  | { readonly name: string; readonly labels: Readonly<Record<string, string>>; readonly spec: Spec }
  | { readonly faults: readonly Fault[] }

/** What to write in place of an unknown field, by the path of that field. Case and underscores do not matter. */
export type Hints = Readonly<Record<string, string>>

export const unsupported = 'is not supported by this release: remove it'

/** Hints for every kind. */
const commonHints: Hints = {
  status: 'remove it: Mooring writes the status itself',
  'metadata.namespace': 'write the Nomad namespace as spec.namespace',
}

/** The parts of a JSON Schema that the explanations use. */
interface SchemaNode {
  readonly properties?: Readonly<Record<string, SchemaNode>>
  readonly patternProperties?: Readonly<Record<string, SchemaNode>>
  readonly items?: SchemaNode
  readonly description?: string
  readonly patternErrorMessage?: string
  readonly 'x-mooring-unquoted'?: true
}

type SchemaError = ReturnType<typeof Errors>[number]

/** Explains all that `schema` refuses about `value`. Of a secret it shows only the place. */
export function explainFaults(schema: Type.TSchema, value: unknown, hints: Hints): Fault[] {
  const faults: Fault[] = []
  const explainedSecrets = new Set<string>()
  const misspelt = new Set<string>()
  const errors = findErrors(schema, value)
  // Unknown fields first: a field that is only misspelt is not reported as missing, too.
  errors.sort((a, b) => Number(isUnknownField(b)) - Number(isUnknownField(a)))
  for (const error of errors) {
    const path = parsePointer(error.instancePath, value)
    const secretsAt = path.indexOf('secrets')
    const secret = path[secretsAt + 1]
    if (secretsAt > 0 && secret !== undefined) {
      if (explainedSecrets.has(String(secret))) continue
      explainedSecrets.add(String(secret))
      const secretPath = path.slice(0, secretsAt + 2)
      faults.push({ path: secretPath, message: explainSecretReference(valueAt(value, secretPath)) })
      continue
    }
    faults.push(...explain(error, path, schemaAt(schema, path), value, hints, misspelt))
  }
  // A refused document always has a fault: without one it would look like a document that is gone.
  if (faults.length === 0) faults.push({ path: [], message: 'does not match the schema of its kind' })
  return faults.slice(0, mostFaults)
}

/** Nobody wants to read more about one document. */
const mostFaults = 100

/**
 * TypeBox stops at 8 errors, which only a setting of its module changes, and the first ones may just repeat a later one
 * (`boolean`). All are needed here. The value has a limited size (expandAliases).
 */
export function findErrors(schema: Type.TSchema, value: unknown): SchemaError[] {
  const { maxErrors } = Settings.Get()
  Settings.Set({ maxErrors: Number.MAX_SAFE_INTEGER })
  try {
    return Errors(schema, value)
  } finally {
    Settings.Set({ maxErrors })
  }
}

/** A value in quotes, at most 80 characters of it. */
function quote(value: unknown): string {
  const text = String(value)
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text)
}

const empty = 'is empty: give it a value, or remove the field'

const isUnknownField = (error: SchemaError) => error.keyword === 'additionalProperties'

function explain(
  error: SchemaError,
  path: FieldPath,
  schema: SchemaNode,
  root: unknown,
  hints: Hints,
  misspelt: Set<string>,
): Fault[] {
  const fault = (message: string) => [{ path, message }]
  const { params } = error
  switch (error.keyword) {
    case 'additionalProperties':
      return error.params.additionalProperties.map((name) => {
        if (schema.patternProperties !== undefined) {
          return { path: [...path, name], message: `${quote(name)} ${schema.patternErrorMessage}` }
        }
        const { message, meant } = explainUnknown(
          [...path, name],
          Object.keys(schema.properties ?? {}),
          hints,
        )
        if (meant !== undefined) misspelt.add(JSON.stringify([...path, meant]))
        return { path: [...path, name], message }
      })
    case 'required':
      return error.params.requiredProperties
        .filter((name) => !misspelt.has(JSON.stringify([...path, name])))
        .map((name) => {
          const description = schema.properties?.[name]?.description ?? ''
          return { path: [...path, name], message: `is missing. ${description}`.trimEnd() }
        })
    case 'type':
      return fault(explainType([error.params.type].flat(), valueAt(root, path)))
    case 'enum': {
      const allowed = error.params.allowedValues.map(String)
      const meant = closest(String(valueAt(root, path)), allowed)
      return fault(
        `is not one of ${allowed.join(', ')}${meant === undefined ? '' : `: did you mean ${meant}?`}`,
      )
    }
    case 'pattern': {
      const found = valueAt(root, path)
      if (found === '') return fault(empty)
      const message = schema.patternErrorMessage ?? error.message
      return fault(schema['x-mooring-unquoted'] ? message : `${quote(found)} ${message}`)
    }
    case 'maxLength':
      return fault(`is too long: at most ${error.params.limit} characters`)
    case 'minLength':
      return fault(empty)
    case 'maxItems':
      return fault(`is too long: at most ${error.params.limit} entries`)
    case 'minItems':
      return fault('is empty: give at least one')
    case 'uniqueItems':
      return error.params.duplicateItems.map((item) => ({
        path: [...path, item],
        message: 'is given twice: remove one',
      }))
    case 'maxProperties':
      if (schema.properties === undefined) return fault(`has too many entries: at most ${error.params.limit}`)
      return fault(`needs exactly one of ${Object.keys(schema.properties).join(', ')}`)
    case 'minProperties':
      return fault(`needs exactly one of ${Object.keys(schema.properties ?? {}).join(', ')}`)
    // The false schema of an unknown field, which additionalProperties has reported already.
    case 'boolean':
      return []
    default:
      return fault(`${error.message} (${JSON.stringify(params)})`)
  }
}

function explainUnknown(
  path: FieldPath,
  known: readonly string[],
  hints: Hints,
): { message: string; meant?: string } {
  const spelling = normalise(path.join('.'))
  const hint = Object.entries({ ...commonHints, ...hints }).find(([field]) => normalise(field) === spelling)
  if (hint !== undefined)
    return { message: hint[1] === unsupported ? unsupported : `is not a field here: ${hint[1]}` }
  const meant = closest(String(path.at(-1)), known)
  if (meant !== undefined) return { message: `is not a field here: did you mean ${meant}?`, meant }
  return { message: `is not a field here: remove it. The fields are ${known.join(', ')}` }
}

/** The candidate that was probably meant: equal apart from case and underscores, or with a few other letters. */
export function closest(written: string, candidates: readonly string[]): string | undefined {
  const spelling = normalise(written)
  const same = candidates.find((candidate) => normalise(candidate) === spelling)
  return (
    same ?? closestMatch(written, candidates, { maxDistance: Math.min(3, Math.ceil(written.length / 3)) })
  )
}

const normalise = (name: string) => name.replace(/[_-]/g, '').toLowerCase()

function explainType(expected: readonly string[], found: unknown): string {
  const [type] = expected
  if (type === 'string' && typeof found === 'object') return `must be a string, not ${nameType(found)}`
  if (type === 'string') return 'must be a string: put the value in quotes'
  if (type === 'object') return `must be a mapping of fields, not ${nameType(found)}`
  if (type === 'array') return `must be a list, not ${nameType(found)}`
  if (type === 'boolean') return 'must be true or false, without quotes'
  return `must be of type ${expected.join(' or ')}, not ${nameType(found)}`
}

function nameType(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'a list'
  return typeof value === 'object' ? 'a mapping' : `a ${typeof value}`
}

/** A part becomes a number where the value has a list. */
export function parsePointer(pointer: string, root: unknown): (string | number)[] {
  const path: (string | number)[] = []
  for (const part of pointer.split('/').slice(1)) {
    const name = part.replaceAll('~1', '/').replaceAll('~0', '~')
    path.push(Array.isArray(valueAt(root, path)) ? Number(name) : name)
  }
  return path
}

/** The value at a path; undefined if there is none. */
export function valueAt(root: unknown, path: FieldPath): unknown {
  let value = root
  for (const part of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, part)) return undefined
    value = Reflect.get(value, part)
  }
  return value
}

/** The schema of the value at a path. */
export function schemaAt(schema: SchemaNode, path: FieldPath): SchemaNode {
  let node: SchemaNode = schema
  for (const part of path) {
    const [ofEveryKey] = Object.values(node.patternProperties ?? {})
    node = (typeof part === 'number' ? node.items : (node.properties?.[part] ?? ofEveryKey)) ?? {}
  }
  return node
}
