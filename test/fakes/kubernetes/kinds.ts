import { asRecord, isRecord, type JsonObject, type StoredObject } from './json.ts'
import { type CompiledSchema, compileSchema } from './schema.ts'

/** A kind that is served at one version. */
export interface ServedKind {
  readonly group: string
  readonly version: string
  readonly plural: string
  readonly kind: string
  readonly namespaced: boolean
  readonly hasStatus: boolean
  /** Of custom resources: counted up by changes of what is declared. */
  readonly hasGeneration: boolean
  /** Of custom resources; built-in kinds are taken as they come, but for the checks in objects.ts. */
  readonly schema?: CompiledSchema
}

const builtIn = (
  group: string,
  plural: string,
  kind: string,
  more: Partial<ServedKind> = {},
): ServedKind => ({
  group,
  version: 'v1',
  plural,
  kind,
  namespaced: true,
  hasStatus: false,
  hasGeneration: false,
  ...more,
})

export const namespaceKind = builtIn('', 'namespaces', 'Namespace', { namespaced: false, hasStatus: true })
export const crdKind = builtIn(
  'apiextensions.k8s.io',
  'customresourcedefinitions',
  'CustomResourceDefinition',
  {
    namespaced: false,
    hasStatus: true,
    hasGeneration: true,
  },
)

const builtIns: readonly ServedKind[] = [
  namespaceKind,
  crdKind,
  builtIn('', 'configmaps', 'ConfigMap'),
  builtIn('', 'secrets', 'Secret'),
  builtIn('', 'events', 'Event'),
  builtIn('', 'serviceaccounts', 'ServiceAccount'),
  builtIn('coordination.k8s.io', 'leases', 'Lease'),
]

export const tableOf = ({ group, plural }: { group: string; plural: string }): string => `${group}/${plural}`
export const apiVersionOf = ({ group, version }: ServedKind): string =>
  group ? `${group}/${version}` : version

/** What is served: the built-in kinds, and those of the CRDs that are there. */
export interface Kinds {
  find(group: string, version: string, plural: string): ServedKind | undefined
  /** Those that a CRD defines. */
  define(crd: StoredObject): void
  forget(crd: StoredObject): void
  namespaced(): readonly ServedKind[]
}

export function createKinds(): Kinds {
  const defined = new Map<string, readonly ServedKind[]>()
  const all = () => [...builtIns, ...[...defined.values()].flat()]
  return {
    find: (group, version, plural) =>
      all().find((kind) => kind.group === group && kind.version === version && kind.plural === plural),
    define: (crd) => defined.set(crd.metadata.name, kindsOf(crd)),
    forget: (crd) => defined.delete(crd.metadata.name),
    // One version of each is enough to reach the objects.
    namespaced: () =>
      [...new Map(all().map((kind) => [tableOf(kind), kind])).values()].filter((kind) => kind.namespaced),
  }
}

export function kindsOf(crd: JsonObject): readonly ServedKind[] {
  const spec = asRecord(crd.spec)
  const names = asRecord(spec.names)
  const versions = Array.isArray(spec.versions) ? spec.versions.filter(isRecord) : []
  return versions
    .filter(({ served }) => served === true)
    .map((version) => ({
      group: String(spec.group),
      version: String(version.name),
      plural: String(names.plural),
      kind: String(names.kind),
      namespaced: spec.scope === 'Namespaced',
      hasStatus: 'status' in asRecord(version.subresources),
      hasGeneration: true,
      schema: compileSchema(asRecord(asRecord(version.schema).openAPIV3Schema)),
    }))
}

/** Why an object is no CRD; only what the double itself needs. */
export function faultsOfCrd(crd: JsonObject): string[] {
  const spec = asRecord(crd.spec)
  const names = asRecord(spec.names)
  return [
    ...(asRecord(crd.metadata).name === `${names.plural}.${spec.group}`
      ? []
      : ['metadata.name: must be spec.names.plural+"."+spec.group']),
    ...(kindsOf(crd).length > 0 ? [] : ['spec.versions: must have one that is served']),
  ]
}
