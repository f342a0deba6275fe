import type Type from 'typebox'
import type { Fault, FieldPath } from './fault.ts'

/** More than any declaration needs, and so few that a file of nested aliases costs milliseconds. */
const maxNodes = 50_000
const maxDepth = 50

/**
 * Makes a value from YAML safe: a tree of limited size that shares nothing, without keys that mean something to JavaScript
 * and without text that would change on its way.
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
    if (nodes > maxNodes)
      return refuse(path, `has more than ${maxNodes} values, with aliases expanded: split the document`)
    if (typeof node === 'string' && !node.isWellFormed()) return refuse(path, halfCharacter)
    if (typeof node !== 'object' || node === null) return node
    if (path.length > maxDepth)
      return refuse(path, 'is nested too deeply, or is an alias of something around it')
    if (Array.isArray(node)) return node.map((item, index) => copy(item, [...path, index]))
    const result: Record<string, unknown> = {}
    for (const [key, item] of Object.entries(node)) {
      if (key === '__proto__')
        return refuse(path, 'contains the key __proto__, which is not allowed: remove it')
      if (!key.isWellFormed()) return refuse(path, halfCharacter)
      result[key] = copy(item, [...path, key])
    }
    return result
  }
  const expanded = copy(value, [])
  return fault === undefined ? { value: expanded } : { fault }
}

const halfCharacter =
  'contains half of a character (a lone surrogate), which UTF-8 cannot store: write the whole character'

/** The beginning of an endless path is enough for a message. */
const maxPathInFault = 8

/**
 * Removes fields without a value (`name:`, `name: ~`), which count as absent, as in Kubernetes. Keys that a person chooses
 * (parameters, labels …) stay, and are refused for their value.
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
