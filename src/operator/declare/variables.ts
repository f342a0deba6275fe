import type { Fault, FieldPath } from './fault.ts'

/** Values by name. Messages show them, and they are stored with declarations, so they must not be secrets. */
export type Variables = ReadonlyMap<string, string>

export const isVariableName = (name: string) => /^[A-Za-z_][A-Za-z0-9_]*$/.test(name)

/**
 * Replaces `${NAME}` in the texts of a document, but not in keys. The result is one text, whatever the value contains, and
 * is not searched again. `$${` gives `${`. An unknown name is a fault.
 */
export function expandVariables(
  value: unknown,
  variables: Variables,
): { readonly value: unknown; readonly faults: readonly Fault[] } {
  const faults: Fault[] = []
  const expandText = (text: string, path: FieldPath) =>
    text.replace(/\$\$\{|\$\{([^{}]*)\}?/g, (written, name?: string) => {
      if (name === undefined) return '${'
      const found = written.endsWith('}') ? variables.get(name) : undefined
      if (found === undefined) faults.push({ path, message: explain(isSecret(path) ? '' : name) })
      return found ?? ''
    })
  const expand = (node: unknown, path: FieldPath): unknown => {
    if (typeof node === 'string') return node.includes('${') ? expandText(node, path) : node
    if (Array.isArray(node)) return node.map((item, index) => expand(item, [...path, index]))
    if (typeof node !== 'object' || node === null) return node
    return Object.fromEntries(Object.entries(node).map(([key, item]) => [key, expand(item, [...path, key])]))
  }
  return { value: expand(value, []), faults }
}

/** Somebody may have written the secret itself there, in place of a reference. */
const isSecret = ([root, field]: FieldPath) => root === 'spec' && field === 'secrets'

/** It quotes only valid names: after an open brace there may be anything. */
function explain(name: string): string {
  const remedy = 'write $${ for the text itself'
  return isVariableName(name) && name.length <= 80
    ? `\${${name}} is not set: run with --var ${name}=…, or ${remedy}`
    : `\${ begins a variable, \${NAME} of letters, digits and _: ${remedy}`
}
