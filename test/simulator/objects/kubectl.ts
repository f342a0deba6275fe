import { asRecord, asStrings, type StoredObject } from '../../fakes/kubernetes/json.ts'
import { namespaceKind, tableOf } from '../../fakes/kubernetes/kinds.ts'
import { keyOf } from '../../fakes/kubernetes/target.ts'
import type { Document } from '../documents.ts'
import { type ApiServer, type Team, teams } from '../world/api-server.ts'
import { objectOf, storageSecret } from './documents.ts'
import { isEnding } from './wishes.ts'

/** The kinds that declare something. */
export const declaring = ['Volume', 'Snapshot', 'SnapshotSchedule'] as const

/** What people do to objects by hand. Each is done at once. */
export function createKubectl(server: ApiServer) {
  const { store, objects } = server
  const asPerson = <Result>(write: () => Result) => server.writeAs('a person', write)
  const kindOf = (kind: string) => server.kindOf(kind)

  const find = (kind: string, team: string, name: string): StoredObject | undefined =>
    store.get(tableOf(kindOf(kind)), keyOf(team, name))

  const all = () => declaring.flatMap((kind) => store.list(tableOf(kindOf(kind))))

  const isNamespaceThere = (team: Team) => {
    const found = store.get(tableOf(namespaceKind), keyOf(undefined, team))
    return found !== undefined && found.metadata.deletionTimestamp === undefined
  }

  /** As `kubectl apply`. What is being deleted is applied again once it is gone. */
  function apply(document: Document, team: Team) {
    const before = find(document.kind, team, document.name)
    if (!isNamespaceThere(team) || (before !== undefined && isEnding(before))) return
    const kind = kindOf(document.kind)
    const wanted = objectOf(document, team)
    if (before === undefined) {
      asPerson(() => objects.create({ kind, namespace: team }, wanted, 'kubectl'))
      return
    }
    const given = {
      ...asRecord(before.metadata.annotations),
      ...asRecord(asRecord(wanted.metadata).annotations),
    }
    const after = { ...before, metadata: { ...before.metadata, annotations: given }, spec: wanted.spec }
    asPerson(() => objects.update(named(before), after, 'kubectl'))
  }

  const named = ({ kind, metadata: { namespace, name } }: StoredObject) => ({
    kind: kindOf(kind),
    namespace,
    name,
    subresource: undefined,
  })

  const remove = (object: StoredObject) => asPerson(() => objects.delete(named(object), {}))

  const annotate = (object: StoredObject, name: string, value: string) =>
    asPerson(() => objects.patch(named(object), { metadata: { annotations: { [name]: value } } }, 'kubectl'))

  function letGo(object: StoredObject) {
    const held = find(object.kind, object.metadata.namespace ?? '', object.metadata.name)
    if (held?.metadata.uid !== object.metadata.uid || asStrings(held.metadata.finalizers).length === 0) return
    asPerson(() => objects.patch(named(held), { metadata: { finalizers: null } }, 'kubectl'))
  }

  function addNamespace(team: Team) {
    asPerson(() => {
      server.addNamespace(team)
      objects.create({ kind: kindOf('Secret'), namespace: team }, storageSecret(team), 'kubectl')
    })
  }

  for (const team of teams) addNamespace(team)

  return {
    find,
    all,
    isNamespaceThere,
    apply,
    remove,
    annotate,
    letGo,
    addNamespace,
    removeNamespace(name: Team) {
      if (!isNamespaceThere(name)) return
      asPerson(() =>
        objects.delete({ kind: namespaceKind, namespace: undefined, name, subresource: undefined }, {}),
      )
    },
  }
}

export type Kubectl = ReturnType<typeof createKubectl>
