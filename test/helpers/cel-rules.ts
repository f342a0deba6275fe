import { Environment } from '@marcbachmann/cel-js'
import { parseQuantity } from '../../src/operator/declare/quantities.ts'

/** The parts of a structural schema that a walk along a value needs. */
export interface SchemaNode {
  readonly properties?: Readonly<Record<string, SchemaNode>>
  readonly additionalProperties?: SchemaNode
  readonly items?: SchemaNode
  readonly default?: unknown
  readonly 'x-kubernetes-validations'?: readonly { readonly rule: string; readonly message: string }[]
}

/** Kubernetes' own extension of CEL, as far as the rules use it. */
class Quantity {
  readonly bytes: bigint
  constructor(text: string) {
    this.bytes = parseQuantity(text)
  }
}

const environment = new Environment({ unlistedVariablesAreDyn: true })
  .registerType('Quantity', { ctor: Quantity, fields: {} })
  .registerFunction('quantity(string): Quantity', (text: string) => new Quantity(text))
  .registerFunction('Quantity.isGreaterThan(Quantity): bool', (a: Quantity, b: Quantity) => a.bytes > b.bytes)
  .registerFunction('Quantity.compareTo(Quantity): int', (a: Quantity, b: Quantity) =>
    a.bytes < b.bytes ? -1n : BigInt(a.bytes > b.bytes),
  )

/**
 * Messages of the rules in CEL that refuse `value` where `old` was before it. A rule that looks at what was
 * before runs only where there was something, as the API server has it.
 */
export function brokenRules(schema: SchemaNode, value: unknown, old?: unknown): string[] {
  const own = (schema['x-kubernetes-validations'] ?? [])
    .filter(({ rule }) => old !== undefined || !rule.includes('oldSelf'))
    .filter(
      ({ rule }) =>
        environment.evaluate(rule.replaceAll('__namespace__', 'namespace'), {
          self: toCel(value),
          oldSelf: toCel(old ?? {}),
        }) !== true,
    )
    .map(({ message }) => message)
  return [
    ...own,
    ...entriesOf(schema, value).flatMap(([key, node, entry]) => brokenRules(node, entry, at(old, key))),
  ]
}

/** The value with the schema's defaults filled in, as the API server stores it. */
export function withDefaults(schema: SchemaNode, value: unknown): unknown {
  if (Array.isArray(value)) return value.map((item) => withDefaults(schema.items ?? {}, item))
  if (typeof value !== 'object' || value === null) return value
  const defaults = Object.entries(schema.properties ?? {}).flatMap(([name, field]) =>
    field.default === undefined ? [] : [[name, field.default]],
  )
  const filled = { ...Object.fromEntries(defaults), ...value }
  return {
    ...filled,
    ...Object.fromEntries(
      entriesOf(schema, filled).map(([key, node, entry]) => [key, withDefaults(node, entry)]),
    ),
  }
}

function entriesOf(schema: SchemaNode, value: unknown): [string | number, SchemaNode, unknown][] {
  if (Array.isArray(value)) return value.map((item, index) => [index, schema.items ?? {}, item])
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).map(([key, entry]) => [
    key,
    schema.properties?.[key] ?? schema.additionalProperties ?? {},
    entry,
  ])
}

const at = (value: unknown, key: string | number): unknown =>
  typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined

/** CEL's integers are bigints. */
function toCel(value: unknown): unknown {
  if (typeof value === 'number') return Number.isInteger(value) ? BigInt(value) : value
  if (Array.isArray(value)) return value.map(toCel)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, toCel(entry)]))
}
