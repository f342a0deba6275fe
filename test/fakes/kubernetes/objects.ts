/** What an API server does with a write: registry/rest and registry/generic of k8s.io/apiserver. */
import { isDeepStrictEqual } from 'node:util'
import { admit, checkIdentity, checkNamespace, checkVersion } from './admission.ts'
import { ApiFailure, alreadyExists, badRequest, conflict, invalid, notFound, wasModified } from './failure.ts'
import { asRecord, asStrings, isRecord, type JsonObject, mergePatch, type StoredObject } from './json.ts'
import { apiVersionOf, namespaceKind, type ServedKind, tableOf } from './kinds.ts'
import { applyFields, type Owner, ownersAfterUpdate, presentOwners } from './ownership.ts'
import type { Store } from './store.ts'
import { keyOf, type Named, type Target } from './target.ts'

export interface Objects {
  create(target: Target, body: JsonObject, manager: string): StoredObject
  update(named: Named, body: JsonObject, manager: string): StoredObject
  patch(named: Named, patch: JsonObject, manager: string): StoredObject
  apply(named: Named, config: JsonObject, manager: string, force: boolean): StoredObject
  /** @returns the object where it is ending, undefined where it is gone */
  delete(named: Named, options: JsonObject): StoredObject | undefined
  get(named: Named): StoredObject
  has(at: Target & { readonly name: string }): boolean
}

/**
 * @param newUID a name that no other object has
 * @param onWritten after each write of an object: what follows from it elsewhere
 */
export function createObjects(
  store: Store,
  now: () => Date,
  newUID: () => string,
  onWritten: (kind: ServedKind, object: StoredObject) => void,
): Objects {
  // Field owners by table and key; `managedFields` shows them.
  const ownersOf = new Map<string, readonly Owner[]>()
  const timestamp = () =>
    now()
      .toISOString()
      .replace(/\.\d+Z$/, 'Z')
  const ownerKey = (kind: ServedKind, namespace: string | undefined, name: string) =>
    `${tableOf(kind)} ${keyOf(namespace, name)}`

  function find({ kind, namespace, name }: Named): StoredObject {
    const found = store.get(tableOf(kind), keyOf(namespace, name))
    if (!found) throw notFound(kind, name)
    return found
  }

  function present(object: JsonObject, kind: ServedKind, owners: readonly Owner[]): StoredObject {
    const metadata = { ...asRecord(object.metadata) }
    delete metadata.managedFields
    if (owners.length > 0) metadata.managedFields = presentOwners(owners, apiVersionOf(kind), timestamp())
    return { ...object, metadata } as StoredObject
  }

  /** Stores what a write made of an object that was there; nothing where nothing changed. */
  function replace(named: Named, before: StoredObject, wanted: JsonObject, owners: readonly Owner[]) {
    const { kind, namespace, name, subresource } = named
    const isEnding = before.metadata.deletionTimestamp !== undefined
    const metadata: JsonObject = {
      ...asRecord(subresource === 'status' ? before.metadata : wanted.metadata),
      name,
      ...(namespace !== undefined && { namespace }),
    }
    for (const fixed of [
      'uid',
      'creationTimestamp',
      'deletionTimestamp',
      'deletionGracePeriodSeconds',
      'generation',
      'generateName',
      'resourceVersion',
    ]) {
      if (before.metadata[fixed] === undefined) delete metadata[fixed]
      else metadata[fixed] = before.metadata[fixed]
    }
    for (const list of ['finalizers', 'labels', 'annotations', 'ownerReferences']) {
      const value = metadata[list]
      if (
        value === null ||
        (isRecord(value) ? Object.keys(value).length === 0 : Array.isArray(value) && value.length === 0)
      )
        delete metadata[list]
    }
    let after: JsonObject = { ...wanted, metadata }
    if (kind.hasStatus) {
      if (subresource === 'status') after = { ...before, metadata, status: wanted.status }
      else after = { ...after, status: before.status }
      if (after.status === undefined) delete after.status
    }
    after = admit(kind, after, name)
    if (isEnding) {
      const had = asStrings(before.metadata.finalizers)
      const added = asStrings(asRecord(after.metadata).finalizers).filter((one) => !had.includes(one))
      if (added.length > 0) {
        throw invalid(kind, name, [
          {
            reason: 'FieldValueForbidden',
            message: `Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers []string{${added.map((one) => JSON.stringify(one)).join(', ')}}`,
            field: 'metadata.finalizers',
          },
        ])
      }
    }
    const declared = ({ metadata: _, status: __, ...rest }: JsonObject) => rest
    if (kind.hasGeneration && !isDeepStrictEqual(declared(after), declared(before))) {
      after = {
        ...after,
        metadata: { ...asRecord(after.metadata), generation: Number(before.metadata.generation) + 1 },
      }
    }
    const bare = (object: JsonObject) => {
      const { managedFields: _, ...rest } = asRecord(object.metadata)
      return { ...object, metadata: rest }
    }
    const isSame = isDeepStrictEqual(bare(after), bare(before))
    const key = ownerKey(kind, namespace, name)
    const known = ownersOf.get(key) ?? []
    // An apply that takes a field over writes, though no value changes.
    if (isSame && isDeepStrictEqual(new Set(known), new Set(owners))) return before
    const stored = store.put(tableOf(kind), keyOf(namespace, name), present(after, kind, owners))
    ownersOf.set(key, owners)
    if (isEnding && asStrings(stored.metadata.finalizers).length === 0 && !hasOtherHold(kind, stored)) {
      return remove(named) ?? stored
    }
    onWritten(kind, stored)
    return stored
  }

  function remove({ kind, namespace, name }: Named): StoredObject | undefined {
    ownersOf.delete(ownerKey(kind, namespace, name))
    const removed = store.remove(tableOf(kind), keyOf(namespace, name))
    if (removed) onWritten(kind, removed)
    return removed
  }

  /** Of a namespace: `spec.finalizers`, which only its own controller takes off. */
  const hasOtherHold = (kind: ServedKind, object: StoredObject) =>
    kind === namespaceKind && asStrings(asRecord(object.spec).finalizers).length > 0

  function create(
    target: Target,
    body: JsonObject,
    manager: string,
    owners?: readonly Owner[],
  ): StoredObject {
    const { kind, namespace } = target
    checkIdentity(target, body, undefined)
    const given = asRecord(body.metadata)
    const name =
      typeof given.name === 'string' && given.name
        ? given.name
        : typeof given.generateName === 'string'
          ? `${given.generateName}${newUID().slice(0, 5)}`
          : undefined
    if (name === undefined) {
      throw invalid(kind, '', [
        {
          reason: 'FieldValueRequired',
          message: 'Required value: name or generateName is required',
          field: 'metadata.name',
        },
      ])
    }
    if (given.resourceVersion !== undefined && given.resourceVersion !== '') {
      throw badRequest('resourceVersion should not be set on objects to be created')
    }
    checkNamespace(store, target, name)
    if (store.get(tableOf(kind), keyOf(namespace, name))) throw alreadyExists(kind, name)
    const { deletionTimestamp: _, managedFields: __, ...kept } = given
    let object: JsonObject = {
      ...body,
      metadata: {
        ...kept,
        name,
        ...(namespace !== undefined && { namespace }),
        uid: newUID(),
        creationTimestamp: timestamp(),
        ...(kind.hasGeneration && { generation: 1 }),
      },
    }
    if (kind.hasStatus) delete object.status
    if (kind === namespaceKind) {
      object = {
        ...object,
        spec: { finalizers: ['kubernetes'] },
        status: { phase: 'Active' },
        metadata: {
          ...asRecord(object.metadata),
          labels: { ...asRecord(given.labels), 'kubernetes.io/metadata.name': name },
        },
      }
    }
    if (kind.kind === 'Secret' && isRecord(object.stringData)) {
      const { stringData, ...rest } = object
      const encoded = Object.entries(asRecord(stringData)).map(([key, value]) => [
        key,
        Buffer.from(String(value)).toString('base64'),
      ])
      object = { ...rest, data: { ...asRecord(rest.data), ...Object.fromEntries(encoded) } }
    }
    if (kind.kind === 'Secret') object = { type: 'Opaque', ...object }
    object = admit(kind, object, name)
    const first =
      owners ??
      ownersAfterUpdate([], undefined, object, kind.schema?.schema, { manager, subresource: undefined })
    ownersOf.set(ownerKey(kind, namespace, name), first)
    const stored = store.put(tableOf(kind), keyOf(namespace, name), present(object, kind, first))
    onWritten(kind, stored)
    return stored
  }

  function write(named: Named, before: StoredObject, wanted: JsonObject, manager: string, isPatch: boolean) {
    const { kind, namespace, name, subresource } = named
    checkVersion(named, before, wanted, isPatch)
    const part =
      subresource === 'status' ? { ...before, status: wanted.status } : { ...wanted, status: before.status }
    const known = ownersOf.get(ownerKey(kind, namespace, name)) ?? []
    const owners = ownersAfterUpdate(known, before, kind.hasStatus ? part : wanted, kind.schema?.schema, {
      manager,
      subresource,
    })
    return replace(named, before, wanted, owners)
  }

  return {
    get: find,
    has: ({ kind, namespace, name }) => store.get(tableOf(kind), keyOf(namespace, name)) !== undefined,
    create,
    update(named, body, manager) {
      checkIdentity(named, body, named.name)
      const before = find(named)
      if (asRecord(body.metadata).resourceVersion === undefined && named.kind.schema) {
        throw invalid(named.kind, named.name, [
          {
            reason: 'FieldValueInvalid',
            message: 'Invalid value: 0x0: must be specified for an update',
            field: 'metadata.resourceVersion',
          },
        ])
      }
      return write(named, before, body, manager, false)
    },
    patch(named, patch, manager) {
      const before = find(named)
      const wanted = asRecord(mergePatch(before, patch))
      checkIdentity(named, wanted, named.name)
      return write(named, before, wanted, manager, true)
    },
    apply(named, config, manager, force) {
      const { kind, namespace, name, subresource } = named
      checkIdentity(named, config, name)
      if (manager === '') throw badRequest('fieldManager is required for apply patch')
      if (asRecord(config.metadata).managedFields !== undefined) {
        throw badRequest('metadata.managedFields must be nil')
      }
      const unknown = kind.schema?.unknownFields(config) ?? []
      if (unknown.length > 0) {
        throw new ApiFailure(
          500,
          'InternalError',
          `failed to create typed patch object (${namespace ? `${namespace}/` : ''}${name}; ${apiVersionOf(kind)}, Kind=${kind.kind}): ${unknown.map((path) => `${path}: field not declared in schema`).join('; ')}`,
        )
      }
      const live = store.get(tableOf(kind), keyOf(namespace, name))
      const { resourceVersion, uid } = asRecord(config.metadata)
      if (!live && subresource === 'status') throw notFound(kind, name)
      if (!live && (resourceVersion !== undefined || uid !== undefined))
        throw conflict(kind, name, wasModified)
      if (live) checkVersion(named, live, config, true)

      const { status, ...withoutStatus } = config
      const meant =
        subresource === 'status'
          ? { apiVersion: config.apiVersion, kind: config.kind, metadata: { name }, status }
          : kind.hasStatus
            ? withoutStatus
            : config
      const known = ownersOf.get(ownerKey(kind, namespace, name)) ?? []
      const result = applyFields(live, known, meant, kind.schema?.schema, { manager, subresource, force })
      if ('conflicts' in result) {
        const many = result.conflicts.map(({ message, field }) => `${message}: ${field}`).join('; ')
        throw conflict(
          kind,
          name,
          `Apply failed with ${result.conflicts.length} conflict${result.conflicts.length > 1 ? 's' : ''}: ${many}`,
          result.conflicts,
        )
      }
      return live
        ? replace(named, live, result.object, result.owners)
        : create({ kind, namespace }, result.object, manager, result.owners)
    },
    delete(named, options) {
      const { kind, name } = named
      const before = find(named)
      const { uid, resourceVersion } = asRecord(options.preconditions)
      if (uid !== undefined && uid !== before.metadata.uid) {
        throw conflict(
          kind,
          name,
          `Precondition failed: UID in precondition: ${String(uid)}, UID in object meta: ${before.metadata.uid}`,
        )
      }
      if (resourceVersion !== undefined && resourceVersion !== before.metadata.resourceVersion) {
        throw conflict(
          kind,
          name,
          `Precondition failed: ResourceVersion in precondition: ${String(resourceVersion)}, ResourceVersion in object meta: ${before.metadata.resourceVersion}`,
        )
      }
      if (asStrings(before.metadata.finalizers).length === 0 && !hasOtherHold(kind, before)) {
        remove(named)
        return undefined
      }
      if (before.metadata.deletionTimestamp !== undefined) return before
      const ending: StoredObject = {
        ...before,
        metadata: {
          ...before.metadata,
          deletionTimestamp: timestamp(),
          deletionGracePeriodSeconds: 0,
          ...(kind.hasGeneration && { generation: Number(before.metadata.generation) + 1 }),
        },
        ...(kind === namespaceKind && { status: { phase: 'Terminating' } }),
      }
      const stored = store.put(tableOf(kind), keyOf(named.namespace, name), ending)
      onWritten(kind, stored)
      return stored
    },
  }
}
