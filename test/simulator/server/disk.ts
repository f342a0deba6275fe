/** The server's database on a simulated disk: SQLite itself, in memory, and what a power cut leaves of it. */
import { DatabaseSync } from 'node:sqlite'
import { openDatabase } from '../../../src/lib/sqlite.ts'
import { defineSealing, migrations, type StateDatabase } from '../../../src/server/state/database.ts'
import { createSecretBox } from '../../../src/server/state/secret-box.ts'
import type { Owner, Scheduler } from '../scheduler.ts'

const box = createSecretBox(Buffer.alloc(32, 'the same in every history'))

let empty: Uint8Array | undefined

/** A database that was migrated once per process, because that takes longer than a history. */
function emptyDatabase(): Uint8Array {
  if (empty !== undefined) return empty
  const database = openDatabase({
    path: ':memory:',
    what: "the simulated server's state",
    migrations,
    prepare: (opened) => defineSealing(opened, box),
  })
  empty = database.serialize()
  database.close()
  return empty
}

/** What a disk does now. */
export type DiskState = 'well' | 'full' | 'failing'

export interface ServerDisk {
  /** What commits have left, as a process finds it that starts while the machine has power. */
  open(owner: Owner): StateDatabase
  /** The power is cut: only what a sync covered is left, and perhaps what one was about to cover. */
  cutPower(): void
  become(state: DiskState): void
  /** All bytes that are on it. */
  bytes(): Uint8Array
}

/** @param onSync told when a sync begins, and when it is over */
export function createServerDisk(options: {
  readonly scheduler: Scheduler
  readonly chance: (name: string) => number
  readonly onSync: () => void
  readonly onFailure: () => void
}): ServerDisk {
  const { scheduler, chance, onSync, onFailure } = options
  let synced = emptyDatabase()
  let underWay: Uint8Array | undefined
  let state: DiskState = 'well'
  let sql = load(synced)

  function applyState() {
    // SQLite itself finds no page then, and says so as on a full disk.
    sql.exec(`PRAGMA max_page_count = ${state === 'full' ? 1 : 1_000_000}`)
  }

  return {
    open(owner) {
      const sync = () => {
        onSync()
        const covered = sql.serialize()
        underWay = covered
        return new Promise<void>((resolve, reject) => {
          scheduler.after(owner, chance('sync takes') * 10, 'sync of the disk', () => {
            underWay = undefined
            if (state === 'failing') {
              onFailure()
              return reject(new Error('EIO: i/o error, fdatasync'))
            }
            synced = covered
            onSync()
            resolve()
          })
        })
      }
      return { directory: 'the simulated disk', sql, box, keyPath: '', sync, close() {} }
    },
    cutPower() {
      if (underWay !== undefined && state === 'well' && chance('sync reaches the disk') < 0.5)
        synced = underWay
      underWay = undefined
      sql = load(synced)
      applyState()
    },
    become(next) {
      state = next
      applyState()
    },
    bytes: () => sql.serialize(),
  }
}

function load(bytes: Uint8Array): DatabaseSync {
  const database = new DatabaseSync(':memory:')
  database.deserialize(bytes)
  return database
}
