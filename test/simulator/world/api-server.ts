import { readdirSync, readFileSync } from 'node:fs'
import { loadAll } from 'js-yaml'
import { createCarryOut, type PlainRequest } from '../../fakes/kubernetes/carry-out.ts'
import { isRecord, type JsonObject, type StoredObject } from '../../fakes/kubernetes/json.ts'
import {
  crdKind,
  createKinds,
  namespaceKind,
  type ServedKind,
  tableOf,
} from '../../fakes/kubernetes/kinds.ts'
import { createLifecycle } from '../../fakes/kubernetes/lifecycle.ts'
import { createObjects } from '../../fakes/kubernetes/objects.ts'
import { createStore, type Store } from '../../fakes/kubernetes/store.ts'
import { keyOf } from '../../fakes/kubernetes/target.ts'
import { epochMs } from './nomad.ts'

/** A write that changed something, as etcd has it. */
export interface StoredChange {
  readonly kind: string
  readonly before: StoredObject | undefined
  /** undefined: it is gone. */
  readonly after: StoredObject | undefined
  /** A process of Mooring, a person, or the API server itself. */
  readonly by: string
}

/** What goes wrong with the API server itself. */
export interface ApiConditions {
  /** Its connections are cut, and no new one is accepted. */
  isAway: boolean
  /** The share of requests that it answers with an error of its own. */
  failing: number
  /** It serves what it need not ask etcd for from a cache that is so much older. */
  cacheAgeMs: number
}

export const fine: Readonly<ApiConditions> = { isAway: false, failing: 0, cacheAgeMs: 0 }

/** The namespaces of the objects. Both may declare into Nomad's namespace `default`. */
export const teams = ['team-a', 'team-b'] as const
export type Team = (typeof teams)[number]

export const operatorNamespace = 'mooring-system'

/** Read once a process: a history changes no kind. */
const served = serveKinds()

function serveKinds() {
  const folder = new URL('../../../manifests/crds/', import.meta.url)
  const definitions = readdirSync(folder)
    .filter((name) => name !== 'kustomization.yaml')
    .flatMap((name) => loadAll(readFileSync(new URL(name, folder), 'utf8')))
    .filter(isRecord) as StoredObject[]
  const kinds = createKinds()
  for (const definition of definitions) kinds.define(definition)
  return { kinds, definitions }
}

/**
 * A Kubernetes API server in memory: the double of the other tests, which is held to a real one, without its sockets.
 * Each request is carried out at one moment; what lies between a request and its answer is the business of the transport.
 */
export function createApiServer(nowMs: () => number) {
  const { kinds, definitions } = served
  const conditions = { ...fine }
  const changes: (StoredChange & { readonly atMs: number; readonly table: string; readonly key: string })[] =
    []
  const listeners = new Set<(change: StoredChange) => void>()
  const connections = new Set<() => void>()
  let uids = 0
  let by = 'Kubernetes'

  const store = watched(createStore(), (table, key, before, after) => {
    const change = { kind: (after ?? before)?.kind ?? '', before, after, by }
    changes.push({ ...change, atMs: nowMs(), table, key })
    for (const listener of listeners) listener(change)
  })
  const follow = createLifecycle(store, kinds, () => objects)
  const objects = createObjects(
    store,
    () => new Date(epochMs + nowMs()),
    () => {
      uids += 1
      return `uid-${uids}`
    },
    follow,
  )
  const carryOut = createCarryOut({
    store,
    kinds,
    objects,
    // Version 0 asks for any state that a cache has. No version at all asks for the newest one.
    listed: (_table, resourceVersion) =>
      resourceVersion === '0' ? stateAt(nowMs() - conditions.cacheAgeMs) : store,
  })

  for (const definition of definitions)
    store.put(tableOf(crdKind), keyOf(undefined, definition.metadata.name), definition)
  const addNamespace = (name: string) =>
    objects.create(
      { kind: namespaceKind, namespace: undefined },
      { apiVersion: 'v1', kind: 'Namespace', metadata: { name } },
      'kubectl',
    )
  addNamespace(operatorNamespace)

  /** The objects as they were then. */
  function stateAt(atMs: number): Pick<Store, 'list' | 'revision'> {
    const since = changes.filter((change) => change.atMs > atMs)
    const [oldest] = since
    const revisionOf = (object: StoredObject | undefined) => Number(object?.metadata.resourceVersion ?? 0)
    return {
      revision: () =>
        oldest === undefined ? store.revision() : revisionOf(oldest.after ?? oldest.before) - 1,
      list(table) {
        const found = new Map(
          store.list(table).map((each) => [keyOf(each.metadata.namespace, each.metadata.name), each]),
        )
        for (const change of since.toReversed()) {
          if (change.table !== table) continue
          if (change.before === undefined) found.delete(change.key)
          else found.set(change.key, change.before)
        }
        return [...found].sort(([one], [other]) => (one < other ? -1 : 1)).map(([, object]) => object)
      },
    }
  }

  function writeAs<Result>(writer: string, write: () => Result): Result {
    const before = by
    by = writer
    try {
      return write()
    } finally {
      by = before
    }
  }

  return {
    store,
    objects,
    conditions,
    kindOf: (kind: string): ServedKind => {
      const found = kinds.namespaced().find((each) => each.kind === kind)
      if (found === undefined) throw new Error(`the API server serves no ${kind}`)
      return found
    },
    route: carryOut.route,
    /** @throws ApiFailure */
    answer: (route: ReturnType<typeof carryOut.route>, request: PlainRequest, writer: string): JsonObject =>
      writeAs(writer, () => carryOut.answer(route, request)),
    writeAs,
    addNamespace,
    onChange(listener: (change: StoredChange) => void): () => void {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    /** Connections are cut when it goes away. @returns ends it */
    onAway(listener: () => void): () => void {
      connections.add(listener)
      return () => connections.delete(listener)
    },
    setAway(isAway: boolean) {
      conditions.isAway = isAway
      if (isAway) for (const cut of [...connections]) cut()
    },
    /** Cuts all connections, and takes new ones. */
    cutConnections() {
      for (const cut of [...connections]) cut()
    },
    /** Watches and lists that began before now have to begin again. */
    compact() {
      store.compact()
      carryOut.forgetPages()
    },
  }
}

export type ApiServer = ReturnType<typeof createApiServer>

/** Tells of each change of a store. */
function watched(
  store: Store,
  tell: (
    table: string,
    key: string,
    before: StoredObject | undefined,
    after: StoredObject | undefined,
  ) => void,
): Store {
  return {
    ...store,
    put(table, key, object) {
      const before = store.get(table, key)
      const after = store.put(table, key, object)
      tell(table, key, before, after)
      return after
    },
    remove(table, key) {
      const before = store.get(table, key)
      const removed = store.remove(table, key)
      if (removed !== undefined) tell(table, key, before, undefined)
      return removed
    },
  }
}

/** The Nomad volume, snapshot or schedule that an object declares: `Volume a`. */
export const identityOfObject = ({ kind, metadata }: StoredObject): string => `${kind} ${metadata.name}`
