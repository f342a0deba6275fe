import { RE2JS } from 're2js'
import type { HostVolumeConstraint } from './host-volume.ts'
import type { Node } from './node.ts'

/** What constraints look at. Nomad gives `null` for an empty map. */
export interface NodeFacts extends Pick<Node, 'ID' | 'Name' | 'Datacenter' | 'NodeClass' | 'NodePool'> {
  readonly Attributes?: Readonly<Record<string, string>> | null
  readonly Meta?: Readonly<Record<string, string>> | null
}

type Compare = (left: string | undefined, right: string | undefined) => boolean

const both =
  (compare: (left: string, right: string) => boolean): Compare =>
  (left, right) =>
    left !== undefined && right !== undefined && compare(left, right)

const itemsOf = (text: string) => text.split(',').map((item) => item.trim())
const containsAll = both((left, right) => {
  const items = new Set(itemsOf(left))
  return itemsOf(right).every((item) => items.has(item))
})
const equals = both((left, right) => left === right)
const differs: Compare = (left, right) => left !== right

/** The operands of a constraint, each with its meaning (Nomad: feasible.checkConstraint). Versions are not compared. */
export const operands: ReadonlyMap<string, Compare> = new Map<string, Compare>([
  ['=', equals],
  ['==', equals],
  ['is', equals],
  ['', equals],
  ['!=', differs],
  ['not', differs],
  ['<', both((left, right) => left < right)],
  ['<=', both((left, right) => left <= right)],
  ['>', both((left, right) => left > right)],
  ['>=', both((left, right) => left >= right)],
  ['regexp', both(matches)],
  ['set_contains', containsAll],
  ['set_contains_all', containsAll],
  [
    'set_contains_any',
    both((left, right) => {
      const items = new Set(itemsOf(left))
      return itemsOf(right).some((item) => items.has(item))
    }),
  ],
  ['is_set', (left) => left !== undefined],
  ['is_not_set', (left) => left === undefined],
])

function matches(text: string, expression: string): boolean {
  try {
    return RE2JS.compile(expression).matcher(text).find()
  } catch {
    // What is no expression matches nothing, as in Nomad.
    return false
  }
}

/** Whether a node is as every constraint says. */
export function isFeasible(node: NodeFacts, constraints: readonly HostVolumeConstraint[]): boolean {
  return constraints.every(({ LTarget, RTarget, Operand }) =>
    operands.get(Operand)?.(resolveTarget(node, LTarget), resolveTarget(node, RTarget)),
  )
}

/** What a target such as `${attr.kernel.name}` stands for on a node; undefined: the node has no such thing. */
function resolveTarget(node: NodeFacts, target: string): string | undefined {
  const [, name] = /^\$\{(.+)\}$/.exec(target) ?? []
  if (name === undefined) return target
  const own: Readonly<Record<string, string>> = {
    'node.unique.id': node.ID,
    'node.unique.name': node.Name,
    'node.datacenter': node.Datacenter,
    'node.class': node.NodeClass,
    'node.pool': node.NodePool,
  }
  if (Object.hasOwn(own, name)) return own[name]
  const [, kind, key = ''] = /^(attr|meta)\.(.+)$/.exec(name) ?? []
  const values = { attr: node.Attributes, meta: node.Meta }[kind ?? '']
  return values && Object.hasOwn(values, key) ? values[key] : undefined
}
