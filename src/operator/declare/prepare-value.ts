import type Type from 'typebox'
import type { Fault, FieldPath } from './fault.ts'

/** Far beyond any declaration, and small enough that a file of aliases to aliases costs milliseconds. */
const maxNodes = 50_000
const maxDepth = 50

/**
 * Makes a value that came out of YAML safe to walk: a tree that shares nothing, of bounded size, and
 * without keys that JavaScript gives a meaning of its own or text that would change on its way.
 */
export function expandAliases(value: unknown): { readonly value: unknown } | { readonly fault: Fault } {
  let nodes = 0
  let fault: Fault | undefined
  const refuse = (path: FieldPath, message: string) => {
    fault ??= { path: path.slice(0, maxPathInFault), message }
  }
  const copy = (node: unknown, path: FieldPath): unknown => {
    if (fault !== undefined) return undefined
    nodes++
    if (nodes > maxNodes) return refuse(path, `holds more than ${maxNodes} values, counted with its aliases`)
    if (typeof node === 'string' && !node.isWellFormed()) return refuse(path, halfCharacter)
    if (typeof node !== 'object' || node === null) return node
    if (path.length > maxDepth)
      return refuse(path, 'is nested too deeply, or is an alias of what it stands in')
    if (Array.isArray(node)) return node.map((item, index) => copy(item, [...path, index]))
    const result: Record<string, unknown> = {}
    for (const [key, item] of Object.entries(node)) {
      if (key === '__proto__') return refuse(path, 'holds the key __proto__, which is not taken: remove it')
      if (!key.isWellFormed()) return refuse(path, halfCharacter)
      result[key] = copy(item, [...path, key])
    }
    return result
  }
  const expanded = copy(value, [])
  return fault === undefined ? { value: expanded } : { fault }
}

const halfCharacter = 'holds half of a character (a lone surrogate), which UTF-8 cannot carry: write it whole'

/** A path is shown to a person: of an endless one the beginning is enough. */
const maxPathInFault = 8

/**
 * Takes fields without a value (`name:`, `name: ~`) out, which is how Kubernetes reads them too: not
 * given. Keys of maps that a person chooses (parameters, labels …) stay, and fail as values.
 */
export function dropNulls(schema: Type.TSchema, value: unknown): unknown {
  const { items, properties } = schema as { items?: Type.TSchema; properties?: Record<string, Type.TSchema> }
  if (Array.isArray(value)) return items === undefined ? value : value.map((item) => dropNulls(items, item))
  if (typeof value !== 'object' || value === null || properties === undefined) return value
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, item]) => item !== null)
      .map(([key, item]) => {
        const field = Object.hasOwn(properties, key) ? properties[key] : undefined
        return [key, field === undefined ? item : dropNulls(field, item)]
      }),
  )
}
