/** For each Kubernetes namespace, the Nomad namespaces that its objects may use; `*` is for all others. */
export type NamespaceMapping = ReadonlyMap<string, readonly string[]>

const any = '*'

/** The Nomad namespaces that the objects of one Kubernetes namespace may use. */
export interface AllowedNamespaces {
  /** For objects that name none; undefined: they must name one. */
  readonly fallback: string | undefined
  allows(nomadNamespace: string): boolean
  /** For messages: `"team-a"`, `"a" and "b"`, `none`. */
  readonly shown: string
}

/** Parses `team-a=apps,batch`; undefined where it has another form. */
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
 * A Kubernetes namespace without an entry may use only the Nomad namespace of the same name. The first name of an entry is
 * for objects that name none. `*` allows all; as the first name it is the namespace of the same name.
 */
export function allowedNamespaces(mapping: NamespaceMapping, kubernetesNamespace: string): AllowedNamespaces {
  const names = mapping.get(kubernetesNamespace) ?? mapping.get(any) ?? [kubernetesNamespace]
  const [first] = names
  return {
    fallback: first === any ? kubernetesNamespace : first,
    allows: (nomadNamespace) => names.includes(any) || names.includes(nomadNamespace),
    shown: names.includes(any)
      ? 'any'
      : names.length === 0
        ? 'none'
        : new Intl.ListFormat('en').format(names.map((name) => `"${name}"`)),
  }
}
