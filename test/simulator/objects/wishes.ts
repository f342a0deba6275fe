import { annotations } from '../../../src/operator/desired/object-ends.ts'
import { asRecord, type StoredObject } from '../../fakes/kubernetes/json.ts'
import { namespaceKind, tableOf } from '../../fakes/kubernetes/kinds.ts'
import type { Document } from '../documents.ts'
import { identityOf } from '../documents.ts'
import type { Wish } from '../wishes.ts'
import type { ApiServer } from '../world/api-server.ts'
import { documentOf } from './documents.ts'

/** An end that a person ordered, as the object shows it. */
interface Ordered {
  readonly uid: string
  /** It goes with its namespace, and only a confirmation makes an order of that. */
  readonly isSwept: boolean
}

/**
 * Follows what people want by what they do to objects. An object that is being deleted is an order to end what it
 * declares. One that is gone without that, because nothing held it or a person let it go, orders nothing: its volume stays.
 */
export function createObjectWishes(nowMs: () => number, server: ApiServer) {
  const wishes = new Map<string, Wish>()
  const owners = new Map<string, string>()
  const ordered = new Map<string, Ordered>()

  function update(document: Document) {
    const identity = identityOf(document)
    const wish = wishes.get(identity) ?? begin(identity)
    const present = server.store
      .list(tableOf(server.kindOf(document.kind)))
      .filter((object) => object.metadata.name === document.name && documentOf(object) !== undefined)
      .sort((one, other) => Number(isEnding(one)) - Number(isEnding(other)) || age(one) - age(other))
    const owner = present.find(({ metadata }) => metadata.uid === owners.get(identity)) ?? present[0]
    if (owner === undefined || owner.metadata.uid !== owners.get(identity)) {
      close(wish)
      wish.state = 'removed'
      wish.sinceMs = nowMs()
      ordered.delete(identity)
      owners.delete(identity)
    }
    if (owner === undefined) return
    owners.set(identity, owner.metadata.uid)
    wish.file = `${owner.metadata.namespace}/${owner.metadata.name}`
    if (isEnding(owner)) end(wish, owner)
    else declare(wish, documentOf(owner) ?? document)
  }

  function begin(identity: string): Wish {
    const wish: Wish = { identity, file: '', versions: [], state: 'removed', sinceMs: nowMs(), absences: [] }
    wishes.set(identity, wish)
    return wish
  }

  function close({ absences }: Wish) {
    const last = absences.at(-1)
    if (last?.untilMs === Number.POSITIVE_INFINITY) last.untilMs = nowMs()
  }

  function note(wish: Wish, document: Document) {
    if (wish.versions.at(-1)?.document !== document)
      wish.versions.push({ document, sinceMs: nowMs(), seenMs: 0 })
  }

  function declare(wish: Wish, document: Document) {
    note(wish, document)
    if (wish.state === 'declared') return
    wish.state = 'declared'
    wish.sinceMs = nowMs()
  }

  function end(wish: Wish, owner: StoredObject) {
    const given = asRecord(owner.metadata.annotations)
    const isConfirmed = given[annotations.confirmDelete] === owner.metadata.deletionTimestamp
    const before = ordered.get(wish.identity)
    const isSwept = before?.isSwept ?? isNamespaceEnding(owner)
    if (wish.state !== 'removed') {
      wish.state = 'removed'
      wish.sinceMs = nowMs()
    }
    const meant = documentOf(owner)
    if (meant !== undefined) note(wish, given[annotations.release] === 'retain' ? retained(meant) : meant)
    ordered.set(wish.identity, { uid: owner.metadata.uid, isSwept })
    const isOpen = wish.absences.at(-1)?.untilMs === Number.POSITIVE_INFINITY
    if (!isOpen && (!isSwept || isConfirmed))
      wish.absences.push({ sinceMs: nowMs(), untilMs: Number.POSITIVE_INFINITY, seenMs: 0 })
  }

  const isNamespaceEnding = ({ metadata: { namespace = '' } }: StoredObject) =>
    server.store.get(tableOf(namespaceKind), `/${namespace}`)?.metadata.deletionTimestamp !== undefined

  server.onChange(({ before, after }) => {
    const object = after ?? before
    const document = object === undefined ? undefined : documentOf(object)
    if (document !== undefined) update(document)
  })

  return {
    all: wishes as ReadonlyMap<string, Wish>,
    /** Of the object that declares an identity now, or did last; undefined: none does. */
    ownerOf: (identity: string) => owners.get(identity),
    /** So much time has passed in which Mooring could see everything. */
    see(ms: number) {
      for (const wish of wishes.values()) {
        const latest = (wish.state === 'declared' ? wish.versions : wish.absences).at(-1)
        if (latest !== undefined) latest.seenMs += ms
      }
    },
  }
}

export type ObjectWishes = ReturnType<typeof createObjectWishes>

export const isEnding = ({ metadata }: StoredObject): boolean => metadata.deletionTimestamp !== undefined

/** Objects get their UIDs one after another. */
const age = ({ metadata }: StoredObject) => Number(metadata.uid.replace('uid-', ''))

/** Each is one value, so that it counts as one version. */
const retainedOf = new WeakMap<Document, Document>()

function retained(document: Document): Document {
  if (document.kind === 'SnapshotSchedule') return document
  const known = retainedOf.get(document) ?? { ...document, policy: 'Retain' as const }
  retainedOf.set(document, known)
  return known
}
