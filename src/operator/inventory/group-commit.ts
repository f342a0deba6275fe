/**
 * The group commit's one promise: what `add` was given is committed when its promise resolves; if the commit fails,
 * all of the group reject and nothing of it was written. What is added in one turn of the event loop shares a
 * commit.
 */
import type { DatabaseSync } from 'node:sqlite'
import { transaction } from '../../lib/sqlite.ts'

export interface GroupCommit {
  /** `write` runs in the transaction, in the order of the calls, and `apply` after it. */
  add(write: () => void, apply: () => void): Promise<void>
  /** Commits now what was added. */
  flush(): void
}

export function createGroupCommit(database: DatabaseSync): GroupCommit {
  interface Entry {
    readonly write: () => void
    readonly apply: () => void
    readonly resolve: () => void
    readonly reject: (error: unknown) => void
  }
  let group: Entry[] = []

  function flush() {
    const entries = group
    if (entries.length === 0) return
    group = []
    try {
      transaction(database, () => {
        for (const { write } of entries) write()
      })
    } catch (error) {
      for (const { reject } of entries) reject(error)
      return
    }
    for (const { apply, resolve } of entries) {
      apply()
      resolve()
    }
  }

  return {
    add: (write, apply) =>
      new Promise((resolve, reject) => {
        group.push({ write, apply, resolve, reject })
        if (group.length === 1) setImmediate(flush)
      }),
    flush,
  }
}
