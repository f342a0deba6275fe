/** Which Nomad namespaces a Kubernetes namespace may declare into, by its name; `*` stands for all that are not named. */
export type NamespaceMapping = ReadonlyMap<string, readonly string[]>

const any = '*'

/** What a Kubernetes namespace may declare into. */
export interface AllowedNamespaces {
  /** Of objects that name none; undefined: they have to. */
  readonly fallback: string | undefined
  allows(nomadNamespace: string): boolean
  /** As a person reads it: `"team-a"`, `"a" and "b"`, `none`. */
  readonly description: string
}

/** Reads `team-a=apps,batch`. undefined: it is not of that form. */
export function parseNamespaceMapping(
  text: string,
): { readonly kubernetes: string; readonly nomad: readonly string[] } | undefined {
  const match = /^(?<kubernetes>\*|[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?)=(?<nomad>[A-Za-z0-9*,-]*)$/.exec(
    text,
  )
  if (match?.groups === undefined) return undefined
  const { kubernetes = '', nomad = '' } = match.groups
  const names = nomad === '' ? [] : nomad.split(',')
  const isName = (name: string) => name === any || /^[A-Za-z0-9-]{1,128}$/.test(name)
  return names.every(isName) ? { kubernetes, nomad: names } : undefined
}

/**
 * Nothing said of a Kubernetes namespace: the Nomad namespace of the same name and no other. The first that
 * is named is that of objects that name none; `*` allows every one, and stands for the one of the same name.
 */
export function allowedNamespaces(mapping: NamespaceMapping, kubernetesNamespace: string): AllowedNamespaces {
  const names = mapping.get(kubernetesNamespace) ?? mapping.get(any) ?? [kubernetesNamespace]
  const [first] = names
  return {
    fallback: first === any ? kubernetesNamespace : first,
    allows: (nomadNamespace) => names.includes(any) || names.includes(nomadNamespace),
    description: names.includes(any)
      ? 'any'
      : names.length === 0
        ? 'none'
        : new Intl.ListFormat('en').format(names.map((name) => `"${name}"`)),
  }
}
