import type { StoredObject } from './json.ts'

/** One write, as etcd's history has it. */
export interface Change {
  readonly revision: number
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'
  /** After it; of a delete, the last there was, at the version of the delete. */
  readonly object: StoredObject
  readonly before: StoredObject | undefined
}

/** Objects by table (`mooring.dev/volumes`) and key (`namespace/name`), under one revision that counts up. */
export interface Store {
  revision(): number
  get(table: string, key: string): StoredObject | undefined
  /** In the order of the keys. */
  list(table: string): readonly StoredObject[]
  put(table: string, key: string, object: StoredObject): StoredObject
  remove(table: string, key: string): StoredObject | undefined
  /** undefined: the history no longer reaches back so far. */
  since(table: string, revision: number): readonly Change[] | undefined
  subscribe(table: string, listener: () => void): () => void
  /** Forgets the history. */
  compact(): void
}

export function createStore(): Store {
  const tables = new Map<string, Map<string, StoredObject>>()
  const history = new Map<string, Change[]>()
  const listeners = new Map<string, Set<() => void>>()
  // Real ones do not begin at 1 either.
  let revision = 100
  let compactedAt = 0

  const tableOf = (table: string) => {
    const found = tables.get(table) ?? new Map<string, StoredObject>()
    tables.set(table, found)
    return found
  }

  function record(table: string, change: Change) {
    const changes = history.get(table) ?? []
    history.set(table, changes)
    changes.push(change)
    // As a watch cache: what is older than this is expired.
    if (changes.length > 20_000)
      compactedAt = Math.max(compactedAt, changes.splice(0, 10_000)[9999]?.revision ?? 0)
    for (const listener of [...(listeners.get(table) ?? [])]) listener()
  }

  return {
    revision: () => revision,
    get: (table, key) => tableOf(table).get(key),
    list: (table) =>
      [...tableOf(table)].sort(([left], [right]) => (left < right ? -1 : 1)).map(([, object]) => object),
    put(table, key, object) {
      revision += 1
      const before = tableOf(table).get(key)
      const stored = { ...object, metadata: { ...object.metadata, resourceVersion: String(revision) } }
      tableOf(table).set(key, stored)
      record(table, { revision, type: before ? 'MODIFIED' : 'ADDED', object: stored, before })
      return stored
    },
    remove(table, key) {
      const before = tableOf(table).get(key)
      if (!before) return undefined
      revision += 1
      tableOf(table).delete(key)
      const object = { ...before, metadata: { ...before.metadata, resourceVersion: String(revision) } }
      record(table, { revision, type: 'DELETED', object, before })
      return object
    },
    since(table, from) {
      if (from < compactedAt) return undefined
      const changes = history.get(table) ?? []
      let index = changes.length
      while (index > 0 && (changes[index - 1]?.revision ?? 0) > from) index -= 1
      return changes.slice(index)
    },
    subscribe(table, listener) {
      const found = listeners.get(table) ?? new Set()
      listeners.set(table, found)
      found.add(listener)
      return () => found.delete(listener)
    },
    compact() {
      compactedAt = revision
      history.clear()
    },
  }
}
