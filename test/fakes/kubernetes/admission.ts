/** What an API server refuses of a write before it is one. */
import { checkBuiltIn } from './built-in-checks.ts'
import { ApiFailure, badRequest, type Cause, conflict, invalid, notFound, wasModified } from './failure.ts'
import { asRecord, asStrings, type JsonObject, type StoredObject } from './json.ts'
import { apiVersionOf, namespaceKind, type ServedKind, tableOf } from './kinds.ts'
import type { Store } from './store.ts'
import { keyOf, type Named, type Target } from './target.ts'

const subdomain = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/

/** NamespaceLifecycle admission. */
export function checkNamespace(store: Store, { kind, namespace }: Target, name: string) {
  if (namespace === undefined) return
  const home = store.get(tableOf(namespaceKind), keyOf(undefined, namespace))
  if (!home) throw notFound(namespaceKind, namespace)
  if (home.metadata.deletionTimestamp === undefined) return
  const why = `unable to create new content in namespace ${namespace} because it is being terminated`
  const title = kind.group ? `${kind.plural}.${kind.group}` : kind.plural
  throw new ApiFailure(403, 'Forbidden', `${title} "${name}" is forbidden: ${why}`, {
    name,
    group: kind.group,
    kind: kind.plural,
    causes: [
      {
        reason: 'NamespaceTerminating',
        message: `namespace ${namespace} is being terminated`,
        field: 'metadata.namespace',
      },
    ],
  })
}

/** What is written is of the kind, name and namespace that the path says. */
export function checkIdentity({ kind, namespace }: Target, body: JsonObject, name: string | undefined) {
  if (body.apiVersion !== apiVersionOf(kind) || body.kind !== kind.kind) {
    throw badRequest(
      `the API version in the data (${String(body.apiVersion)}) and kind ${String(body.kind)} do not match the expected ${apiVersionOf(kind)} ${kind.kind}`,
    )
  }
  const metadata = asRecord(body.metadata)
  if (name !== undefined && metadata.name !== undefined && metadata.name !== name) {
    throw badRequest(
      `the name of the object (${String(metadata.name)}) does not match the name on the URL (${name})`,
    )
  }
  if (metadata.namespace !== undefined && metadata.namespace !== namespace) {
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request')
  }
}

/** Pruned and valid, or a 422. */
export function admit(kind: ServedKind, object: JsonObject, name: string): JsonObject {
  const pruned = kind.schema ? kind.schema.prune(object) : object
  const faults: Cause[] = subdomain.test(name)
    ? []
    : [
        {
          reason: 'FieldValueInvalid',
          message: `Invalid value: "${name}": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character`,
          field: 'metadata.name',
        },
      ]
  const finalizers = asRecord(pruned.metadata).finalizers
  faults.push(...(kind.schema?.validate(pruned) ?? checkBuiltIn(kind, pruned)))
  for (const finalizer of asStrings(finalizers)) {
    if (!finalizer.includes('/') && kind.schema) {
      faults.push({
        reason: 'FieldValueInvalid',
        message: `Invalid value: "${finalizer}": name is neither a standard finalizer name nor is it fully qualified`,
        field: 'metadata.finalizers',
      })
    }
  }
  if (faults.length > 0) throw invalid(kind, name, faults)
  return pruned
}

/** An update names the object that it replaces; a patch would change what cannot be changed. */
export function checkVersion(named: Named, before: StoredObject, body: JsonObject, isPatch: boolean) {
  const { resourceVersion, uid } = asRecord(body.metadata)
  if (uid !== undefined && uid !== before.metadata.uid) {
    if (isPatch) {
      throw invalid(named.kind, named.name, [
        {
          reason: 'FieldValueInvalid',
          message: `Invalid value: "${String(uid)}": field is immutable`,
          field: 'metadata.uid',
        },
      ])
    }
    throw conflict(
      named.kind,
      named.name,
      `Precondition failed: UID in precondition: ${String(uid)}, UID in object meta: ${before.metadata.uid}`,
    )
  }
  if (
    resourceVersion !== undefined &&
    resourceVersion !== '' &&
    resourceVersion !== before.metadata.resourceVersion
  ) {
    throw conflict(named.kind, named.name, wasModified)
  }
}
