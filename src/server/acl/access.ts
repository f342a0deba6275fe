import { capabilitiesOf, type NamespaceCapability, type Policy } from './policy.ts'

/** What the client of a request may do. Each call looks again, because a token may end while a query blocks. */
export interface Access {
  /** Whether one of the capabilities is granted in the namespace; `*`: in any namespace. */
  allows(namespace: string, ...anyOf: readonly NamespaceCapability[]): boolean
  /** Whether anything at all is granted in the namespace. */
  seesNamespace(namespace: string): boolean
  /** `read` holds `list`. */
  allowsPlugin(level: 'list' | 'read'): boolean
  allowsNodeRead(): boolean
  allowsAgentRead(): boolean
  isManagement(): boolean
}

/** Of a management token, and of everybody where no ACL is on. */
export const fullAccess: Access = {
  allows: () => true,
  seesNamespace: () => true,
  allowsPlugin: () => true,
  allowsNodeRead: () => true,
  allowsAgentRead: () => true,
  isManagement: () => true,
}

/**
 * What several policies grant together, as Nomad joins them (acl/acl.go): the rules for one name of a namespace are
 * united, a `deny` among them takes everything, and for a namespace only its own rule counts, else that of the glob
 * whose wildcards stand for the fewest characters.
 */
export function createAccess(policies: readonly Policy[]): Access {
  const rules = new Map<string, Set<string>>()
  for (const policy of policies) {
    for (const [name, rule] of Object.entries(policy.namespace ?? {})) {
      const granted = rules.get(name) ?? new Set()
      rules.set(name, granted)
      for (const capability of capabilitiesOf(rule)) granted.add(capability)
    }
  }
  for (const granted of rules.values()) if (granted.has('deny')) granted.clear()
  const globs = [...rules]
    .filter(([name]) => name.includes('*'))
    .map(([name, granted]) => ({ name, granted, literal: name.replaceAll('*', '').length }))
    .sort((a, b) => b.literal - a.literal || (a.name < b.name ? -1 : 1))
  const ruleFor = (namespace: string): ReadonlySet<string> =>
    rules.get(namespace) ?? globs.find(({ name }) => globMatches(name, namespace))?.granted ?? new Set()

  const plugin = highest(policies.map((policy) => policy.plugin?.policy))
  const node = highest(policies.map((policy) => policy.node?.policy))
  const agent = highest(policies.map((policy) => policy.agent?.policy))
  const reads = (level: string | undefined) => level === 'read' || level === 'write'
  const some = (namespace: string, isGranted: (granted: ReadonlySet<string>) => boolean) =>
    namespace === '*' ? [...rules.values()].some(isGranted) : isGranted(ruleFor(namespace))
  return {
    allows: (namespace, ...anyOf) => some(namespace, (granted) => anyOf.some((name) => granted.has(name))),
    seesNamespace: (namespace) => some(namespace, (granted) => granted.size > 0),
    allowsPlugin: (level) => reads(plugin) || (level === 'list' && plugin === 'list'),
    allowsNodeRead: () => reads(node),
    allowsAgentRead: () => reads(agent),
    isManagement: () => false,
  }
}

/** Without backtracking: the pieces between the wildcards in their order, each as early as it comes. */
export function globMatches(glob: string, text: string): boolean {
  const pieces = glob.split('*')
  const first = pieces.shift() ?? ''
  const last = pieces.pop()
  if (last === undefined) return glob === text
  if (!text.startsWith(first) || text.length < first.length + last.length || !text.endsWith(last))
    return false
  const middle = text.slice(first.length, text.length - last.length)
  let at = 0
  for (const piece of pieces) {
    const found = middle.indexOf(piece, at)
    if (found < 0) return false
    at = found + piece.length
  }
  return true
}

function highest(levels: readonly (string | undefined)[]): string | undefined {
  return ['deny', 'write', 'read', 'list'].find((level) => levels.includes(level))
}
