import type { KubernetesObject } from '../../kube/api.ts'
import type { Declaration, Place, Problem } from '../declare/declaration.ts'
import type { Fault } from '../declare/fault.ts'
import { formatFieldPath } from '../declare/fault.ts'
import { allowedNamespaces, type NamespaceMapping } from '../declare/namespace-mapping.ts'
import { readObject } from '../declare/read-object.ts'
import { annotations } from '../desired/object-ends.ts'
import { type Key, keyOf } from '../plan/identity.ts'

/** The name of every source of this sort, for the places of its declarations. */
export const kubernetesSourceName = 'kubernetes'

/** Of the Snapshot objects that stand for what a schedule made: the schedule's name. */
export const scheduleLabel = 'mooring.dev/schedule'
/** Of the same: the key of what they stand for. */
export const keyAnnotation = 'mooring.dev/key'

/** One object as it is read: what it declares, or why that cannot be used. */
export interface ObjectView {
  readonly object: KubernetesObject
  readonly place: Place
  readonly declaration?: Declaration
  readonly problems: readonly Problem[]
  /** Set where it declares nothing, and shows a snapshot that a schedule made. */
  readonly mirrorOf?: Key
}

/** The cluster that an object is for; undefined: that of the NOMAD_* settings, which is told of broken ones too. */
export function clusterOf(object: KubernetesObject): string | undefined {
  const { spec } = object
  if (typeof spec !== 'object' || spec === null || !('cluster' in spec)) return undefined
  return typeof spec.cluster === 'string' ? spec.cluster : undefined
}

/** Reads one object of a kind that declares something. */
export function viewObject(object: KubernetesObject, mapping: NamespaceMapping): ObjectView {
  const { kind, metadata } = object
  const { namespace = '', name, uid = '', generation = 0 } = metadata
  const reconcileAt = metadata.annotations?.[annotations.reconcileAt]
  const place: Place = {
    source: kubernetesSourceName,
    file: `${kind} ${namespace}/${name}`,
    document: 0,
    line: 0,
    column: 0,
    object: { namespace, uid, generation, ...(reconcileAt === undefined ? {} : { reconcileAt }) },
  }
  const refused = (faults: readonly Fault[]): ObjectView => ({
    object,
    place,
    problems: faults.map(({ path, message }) => ({ place, field: formatFieldPath(path), message })),
  })
  const allowed = allowedNamespaces(mapping, namespace)
  const reading = readObject(
    {
      // The kinds of the informers.
      kind: kind as Declaration['kind'],
      metadata: { name, ...(metadata.labels === undefined ? {} : { labels: metadata.labels }) },
      spec: object.spec,
    },
    allowed.fallback ?? '',
  )
  if ('faults' in reading) return refused(reading.faults)
  const declaration: Declaration = { ...reading, place }
  const nomadNamespace = declaration.spec.namespace
  if (!allowed.allows(nomadNamespace)) {
    const what =
      nomadNamespace === ''
        ? 'is missing, and this Kubernetes namespace has no Nomad namespace of its own'
        : `is "${nomadNamespace}", which objects of Kubernetes namespace "${namespace}" may not declare into`
    const message = `${what}: they may into ${allowed.shown}. Change it, or have --namespace-mapping of the operator changed`
    return refused([{ path: ['spec', 'namespace'], message }])
  }
  const mirrorOf = mirroredKey(object)
  if (mirrorOf === undefined || declaration.kind !== 'Snapshot')
    return { object, place, declaration, problems: [] }
  const mirrored = { ...declaration, name: mirrorOf.slice(mirrorOf.lastIndexOf('/') + 1) }
  // A key of another Nomad namespace would reach beyond what the mapping allows.
  return keyOf(mirrored) === mirrorOf
    ? { object, place, declaration: mirrored, problems: [], mirrorOf }
    : refused([
        { path: ['metadata', 'annotations', keyAnnotation], message: 'is for Mooring to write: remove it' },
      ])
}

function mirroredKey({ metadata }: KubernetesObject): Key | undefined {
  return metadata.labels?.[scheduleLabel] === undefined ? undefined : metadata.annotations?.[keyAnnotation]
}

/** All that a reading makes of an object: one that changed in nothing else is not read again. */
export function relevantState({ metadata, spec }: KubernetesObject): string {
  const { uid, generation, deletionTimestamp, labels } = metadata
  const own = Object.values(annotations).map((name) => metadata.annotations?.[name])
  // A generation stands for the spec, but for the rare server that counts none.
  return JSON.stringify([uid, generation ?? spec, deletionTimestamp !== undefined, labels, own])
}
