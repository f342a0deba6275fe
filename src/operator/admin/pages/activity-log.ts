import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { Around } from '../../../lib/around.ts'
import type { Clock } from '../../../lib/clock.ts'
import { errorMessage } from '../../../lib/errors.ts'
import { openDatabase, transaction } from '../../../lib/sqlite.ts'
import type { Key } from '../../plan/identity.ts'
import type { OrderGiver } from '../../plan/orders.ts'

/** A step that was taken or tried, or an order that was given. */
export interface Activity {
  /** Rises with time. */
  readonly id: number
  readonly atMs: number
  readonly cluster?: string
  readonly key: Key
  readonly type: 'step' | 'order'
  readonly what: string
  readonly outcome: 'done' | 'failed' | 'taken' | 'refused'
  readonly why: string
  readonly error?: string
  readonly durationMs?: number
  readonly times: number
  readonly by?: OrderGiver
}

type NewActivity = Omit<Activity, 'id' | 'times' | 'cluster'>

/** What one cluster's operator writes to the log, and what is read of it. */
export interface ActivityLog {
  readonly aroundStep: Around<{ readonly key: Key; readonly step: string; readonly why: string }>
  /** Notes an order. Rejects and resolves as `give` does. */
  aroundOrder(
    order: { readonly type: string; readonly key: Key },
    by: OrderGiver | undefined,
    give: () => Promise<string>,
  ): Promise<string>
  /** Of one key, newest first. */
  of(key: Key): readonly Activity[]
  onChange(listener: (key: Key) => void): () => void
}

/** The log of all clusters of a process. */
export interface ActivityLogs {
  of(cluster: string | undefined): ActivityLog
  /** All of it, newest first; not a copy, so nobody may change it. */
  newestFirst(): Iterable<Activity>
  close(): void
}

/** So many entries are kept. */
const mostEntries = 10_000
/** Entries beyond that, before the oldest are taken out. */
const slack = 1_000
/** How long an entry may be in memory only. */
const storeAfterMs = 1_000

const migrations = ['CREATE TABLE activity (id INTEGER PRIMARY KEY, entry TEXT NOT NULL) STRICT'] as const

/**
 * The log of what the operator did and what people ordered, for people. No decision reads it. It is bounded, and it is in
 * memory; its file only carries it over a restart. What happened within a second of a crash may be missing.
 * @param path of its file; undefined: it is in memory only
 */
export function createActivityLogs(options: {
  readonly path?: string
  readonly clock: Clock
  /** Told where the file does not take an entry: the log goes on in memory. */
  readonly onError: (error: unknown) => void
}): ActivityLogs {
  const { clock } = options
  const file = options.path === undefined ? undefined : openFile(options.path)
  const entries: Activity[] = file?.load() ?? []
  const byKey = new Map<string, Activity[]>()
  const listeners = new Map<string | undefined, Set<(key: Key) => void>>()
  const unstored = new Map<number, Activity>()
  /** Entries that another one took the place of, and that the file may have. */
  const replaced = new Set<number>()
  let cancelStore: (() => void) | undefined
  let lastID = entries.at(-1)?.id ?? 0
  const token = (cluster: string | undefined, key: Key) => `${key}@${cluster ?? ''}`
  for (const entry of entries) index(entry)

  function index(entry: Activity) {
    const at = token(entry.cluster, entry.key)
    byKey.set(at, [entry, ...(byKey.get(at) ?? [])])
  }

  function store() {
    cancelStore = undefined
    const [stored, forgotten] = [[...unstored.values()], [...replaced]]
    unstored.clear()
    replaced.clear()
    try {
      file?.write(stored, forgotten, lastID - mostEntries)
    } catch (error) {
      options.onError(error)
    }
  }

  function forgetOldest() {
    for (const old of entries.splice(0, slack)) {
      const at = token(old.cluster, old.key)
      const rest = (byKey.get(at) ?? []).filter(({ id }) => id !== old.id)
      if (rest.length === 0) byKey.delete(at)
      else byKey.set(at, rest)
    }
  }

  function add(cluster: string | undefined, happened: NewActivity) {
    const at = token(cluster, happened.key)
    const [newest, ...older] = byKey.get(at) ?? []
    const isAgain =
      newest?.outcome === 'failed' &&
      happened.outcome === 'failed' &&
      newest.what === happened.what &&
      newest.error === happened.error
    lastID += 1
    const entry: Activity = {
      ...happened,
      id: lastID,
      ...(cluster === undefined ? {} : { cluster }),
      times: isAgain ? newest.times + 1 : 1,
    }
    if (isAgain) {
      // A failure that repeats is one entry, so that retries push nothing out.
      const place = entries.lastIndexOf(newest)
      if (place >= 0) entries.splice(place, 1)
      if (!unstored.delete(newest.id)) replaced.add(newest.id)
      byKey.set(at, [entry, ...older])
    } else byKey.set(at, [entry, ...(newest === undefined ? [] : [newest]), ...older])
    entries.push(entry)
    if (entries.length >= mostEntries + slack) forgetOldest()
    if (file !== undefined) {
      unstored.set(entry.id, entry)
      cancelStore ??= clock.after(storeAfterMs, store)
    }
    for (const listener of listeners.get(cluster) ?? []) listener(happened.key)
  }

  return {
    of(cluster) {
      return {
        async aroundStep({ key, step, why }, run) {
          const begunMs = clock.monotonicMs()
          const note = (outcome: 'done' | 'failed', error?: string) =>
            add(cluster, {
              ...{ atMs: clock.now(), key, type: 'step', what: step, outcome, why },
              durationMs: Math.round(clock.monotonicMs() - begunMs),
              ...(error === undefined ? {} : { error }),
            })
          try {
            const result = await run()
            note('done')
            return result
          } catch (error) {
            note('failed', errorMessage(error))
            throw error
          }
        },
        async aroundOrder({ type, key }, by, give) {
          const note = (outcome: 'taken' | 'refused', why: string) =>
            add(cluster, {
              ...{ atMs: clock.now(), key, type: 'order', what: type, outcome, why },
              ...(by === undefined ? {} : { by }),
            })
          try {
            const told = await give()
            note('taken', told)
            return told
          } catch (error) {
            note('refused', errorMessage(error))
            throw error
          }
        },
        of: (key) => byKey.get(token(cluster, key)) ?? [],
        onChange(listener) {
          const told = listeners.get(cluster) ?? new Set()
          listeners.set(cluster, told.add(listener))
          return () => told.delete(listener)
        },
      }
    },
    *newestFirst() {
      for (let place = entries.length - 1; place >= 0; place -= 1) {
        const entry = entries[place]
        if (entry !== undefined) yield entry
      }
    },
    close() {
      cancelStore?.()
      store()
      file?.close()
    },
  }
}

function openFile(path: string) {
  const database: DatabaseSync = openDatabase({ path, what: "the operator's activity log", migrations })
  // A lost second of a log for people is worth no wait for the disk.
  database.exec('PRAGMA synchronous = OFF')
  const insert: StatementSync = database.prepare('INSERT OR REPLACE INTO activity (id, entry) VALUES (?, ?)')
  const forget = database.prepare('DELETE FROM activity WHERE id = ?')
  const prune = database.prepare('DELETE FROM activity WHERE id <= ?')
  return {
    load: (): Activity[] =>
      database
        .prepare('SELECT entry FROM activity ORDER BY id DESC LIMIT ?')
        .all(mostEntries)
        // It holds what this class wrote.
        .map(({ entry }) => JSON.parse(String(entry)) as Activity)
        .reverse(),
    write(entries: readonly Activity[], forgotten: readonly number[], upTo: number) {
      transaction(database, () => {
        for (const entry of entries) insert.run(entry.id, JSON.stringify(entry))
        for (const id of forgotten) forget.run(id)
        prune.run(upTo)
      })
    },
    close: () => database.close(),
  }
}
