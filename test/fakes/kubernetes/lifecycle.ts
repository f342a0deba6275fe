/** What an API server's own controllers do: CRDs are served, and namespaces and CRDs end with what is in them. */
import { asRecord, asStrings, type StoredObject } from './json.ts'
import { crdKind, type Kinds, kindsOf, namespaceKind, type ServedKind, tableOf } from './kinds.ts'
import type { Objects } from './objects.ts'
import type { Store } from './store.ts'
import { keyOf } from './target.ts'

const crdFinalizer = 'customresourcecleanup.apiextensions.k8s.io'

export function createLifecycle(store: Store, kinds: Kinds, objects: () => Objects) {
  const end = (kind: ServedKind, object: StoredObject) => {
    const { namespace, name } = object.metadata
    // The end of the one before may have ended this one.
    const present = store.get(tableOf(kind), keyOf(namespace, name))
    if (present && present.metadata.deletionTimestamp === undefined) {
      objects().delete({ kind, namespace, name, subresource: undefined }, {})
    }
  }

  function sweepNamespace(namespace: StoredObject) {
    const name = namespace.metadata.name
    const inside = () =>
      kinds
        .namespaced()
        .flatMap((kind) =>
          store
            .list(tableOf(kind))
            .flatMap((object) => (object.metadata.namespace === name ? [{ kind, object }] : [])),
        )
    for (const { kind, object } of inside()) end(kind, object)
    if (inside().length > 0 || asStrings(namespace.metadata.finalizers).length > 0) return
    if (store.get(tableOf(namespaceKind), keyOf(undefined, name))) {
      store.remove(tableOf(namespaceKind), keyOf(undefined, name))
    }
  }

  function serve(crd: StoredObject) {
    kinds.define(crd)
    const isNew = crd.status === undefined
    const hasFinalizer = asStrings(crd.metadata.finalizers).includes(crdFinalizer)
    if (!isNew && hasFinalizer) return
    const at = new Date().toISOString()
    store.put(tableOf(crdKind), keyOf(undefined, crd.metadata.name), {
      ...crd,
      metadata: { ...crd.metadata, finalizers: [...asStrings(crd.metadata.finalizers), crdFinalizer] },
      status: {
        conditions: ['NamesAccepted', 'Established'].map((type) => ({
          type,
          status: 'True',
          reason: type,
          message: '',
          lastTransitionTime: at,
        })),
        acceptedNames: asRecord(crd.spec).names,
        storedVersions: kindsOf(crd).map(({ version }) => version),
      },
    })
  }

  function sweepCrd(crd: StoredObject) {
    const [kind] = kindsOf(crd)
    if (!kind) return
    for (const object of store.list(tableOf(kind))) end(kind, object)
    if (store.list(tableOf(kind)).length > 0) return
    kinds.forget(crd)
    store.remove(tableOf(crdKind), keyOf(undefined, crd.metadata.name))
  }

  /** After each write. */
  return function follow(kind: ServedKind, object: StoredObject) {
    const isThere =
      store.get(tableOf(kind), keyOf(object.metadata.namespace, object.metadata.name)) !== undefined
    const isEnding = object.metadata.deletionTimestamp !== undefined
    if (kind === crdKind && isThere) {
      if (isEnding) sweepCrd(object)
      else serve(object)
    }
    if (kind === namespaceKind && isThere && isEnding) sweepNamespace(object)
    if (isThere || kind === namespaceKind || kind === crdKind) return
    // Something went: what waited for it may go as well.
    const { namespace } = object.metadata
    const home =
      namespace === undefined ? undefined : store.get(tableOf(namespaceKind), keyOf(undefined, namespace))
    if (home?.metadata.deletionTimestamp !== undefined) sweepNamespace(home)
    const crd = store.get(tableOf(crdKind), keyOf(undefined, `${kind.plural}.${kind.group}`))
    if (crd?.metadata.deletionTimestamp !== undefined) sweepCrd(crd)
  }
}
