import { type Key, keyOf } from '../plan/identity.ts'
import { expandPerAlloc } from '../plan/per-alloc.ts'
import type { ObjectView } from './object-view.ts'

/** Finds objects by identity. */
export interface ObjectIndex {
  /**
   * The objects that declare the identity. Also the object with this UID, if it cannot be used now, or its count is now too
   * low for the identity.
   */
  of(key: Key, uid: string | undefined): readonly ObjectView[]
  /** From the last reading. */
  byUID(uid: string | undefined): ObjectView | undefined
}

/** @param views of the last reading. A new array means a new index */
export function createObjectIndex(views: () => readonly ObjectView[]): ObjectIndex {
  let indexed: readonly ObjectView[] | undefined
  let byKey: ReadonlyMap<Key, readonly ObjectView[]> = new Map()
  let byUID: ReadonlyMap<string | undefined, ObjectView> = new Map()

  function refresh() {
    const current = views()
    if (current === indexed) return
    indexed = current
    byUID = new Map(current.map((view) => [view.object.metadata.uid, view]))
    const pairs = current.flatMap((view) => keysOf(view).map((key) => ({ key, view })))
    byKey = new Map(
      [...Map.groupBy(pairs, ({ key }) => key)].map(([key, found]) => [key, found.map(({ view }) => view)]),
    )
  }

  return {
    of(key, uid) {
      refresh()
      const declaring = byKey.get(key) ?? []
      const other = uid === undefined ? undefined : byUID.get(uid)
      if (other === undefined || declaring.includes(other)) return declaring
      return other.declaration === undefined || hasInstances(other) ? [...declaring, other] : declaring
    },
    byUID(uid) {
      refresh()
      return byUID.get(uid)
    },
  }
}

/** The identities that an object declares. */
export function keysOf({ declaration }: ObjectView): Key[] {
  return declaration === undefined ? [] : expandPerAlloc(declaration).map(keyOf)
}

/** Whether the object declares several volumes. */
export function hasInstances({ declaration }: ObjectView): boolean {
  return declaration?.kind === 'Volume' && declaration.spec.perAlloc !== undefined
}
