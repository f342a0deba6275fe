/**
 * Promise: a write is committed when its promise resolves. Writes added in one turn of the event loop share a commit:
 * if it fails, all of them reject and none is stored.
 */
import type { DatabaseSync } from 'node:sqlite'
import { transaction } from '../../lib/sqlite.ts'

export interface GroupCommit {
  /** Runs `write` inside the transaction, in the order of the calls, and `apply` after it. */
  add(write: () => void, apply: () => void): Promise<void>
  /** Commits the added writes now. */
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
