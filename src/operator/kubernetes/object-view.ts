import type { KubernetesObject } from '../../kube/api.ts'
import type { Declaration, Place, Problem } from '../declare/declaration.ts'
import type { Fault } from '../declare/fault.ts'
import { formatFieldPath } from '../declare/fault.ts'
import { allowedNamespaces, type NamespaceMapping } from '../declare/namespace-mapping.ts'
import { readObject } from '../declare/read-object.ts'
import { annotations } from '../desired/object-ends.ts'
import { type Key, keyOf } from '../plan/identity.ts'

/** The name of a Kubernetes source, for the places of its declarations. */
export const kubernetesSourceName = 'kubernetes'

/** The label with the name of the schedule, on the objects of its snapshots. */
export const scheduleLabel = 'mooring.dev/schedule'
/** The annotation with the key of the snapshot, on the same objects. */
export const keyAnnotation = 'mooring.dev/key'

/** One object from a reading: what it declares, or why that cannot be used. */
export interface ObjectView {
  readonly object: KubernetesObject
  readonly place: Place
  readonly declaration?: Declaration
  readonly problems: readonly Problem[]
  /** Set where it declares nothing and only shows a snapshot that a schedule made: the key of that. */
  readonly shownSnapshot?: Key
}

/** The NomadCluster of an object; undefined for the cluster of the NOMAD_* settings, which broken objects belong to, too. */
export function clusterOf(object: KubernetesObject): string | undefined {
  const { spec } = object
  if (typeof spec !== 'object' || spec === null || !('cluster' in spec)) return undefined
  return typeof spec.cluster === 'string' ? spec.cluster : undefined
}

/** Reads one object. */
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
      // Only these kinds have informers.
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
        ? 'is missing, and this Kubernetes namespace has no Nomad namespace by default'
        : `is "${nomadNamespace}", which objects in Kubernetes namespace "${namespace}" may not use`
    const message = `${what}: it may be ${allowed.shown}. Change it, or ask an administrator to change --namespace-mapping of the operator`
    return refused([{ path: ['spec', 'namespace'], message }])
  }
  const shownSnapshot = keyOfShownSnapshot(object)
  if (shownSnapshot === undefined || declaration.kind !== 'Snapshot')
    return { object, place, declaration, problems: [] }
  const shown = { ...declaration, name: shownSnapshot.slice(shownSnapshot.lastIndexOf('/') + 1) }
  // A key of another Nomad namespace would bypass the mapping.
  return keyOf(shown) === shownSnapshot
    ? { object, place, declaration: shown, problems: [], shownSnapshot }
    : refused([
        { path: ['metadata', 'annotations', keyAnnotation], message: 'is reserved for Mooring: remove it' },
      ])
}

function keyOfShownSnapshot({ metadata }: KubernetesObject): Key | undefined {
  return metadata.labels?.[scheduleLabel] === undefined ? undefined : metadata.annotations?.[keyAnnotation]
}

/** The parts of an object that a reading uses. Other changes cause no reading. */
export function relevantState({ metadata, spec }: KubernetesObject): string {
  const { uid, generation, deletionTimestamp, labels } = metadata
  const own = Object.values(annotations).map((name) => metadata.annotations?.[name])
  // The generation represents the spec; a few servers have none.
  return JSON.stringify([uid, generation ?? spec, deletionTimestamp !== undefined, labels, own])
}
