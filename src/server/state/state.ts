import { randomUUID } from 'node:crypto'
import type { Clock } from '../../lib/clock.ts'
import { errorMessage, UsageError } from '../../lib/errors.ts'
import { type Log, silentLog } from '../../lib/log.ts'
import { isDiskFull, transaction as runTransaction } from '../../lib/sqlite.ts'
import { ApiError } from '../errors.ts'
import { backUpTo } from './backup.ts'
import { fromColumns, toColumns } from './columns.ts'
import { openStateDatabase, type StateDatabase, type TableName, tableNames } from './database.ts'
import { createGroupSync } from './group-sync.ts'
import {
  type ClaimRecord,
  type CreateIntent,
  type DeleteIntent,
  type HostCreateIntent,
  type HostVolumeRecord,
  handleOf,
  type NamespaceRecord,
  type PluginRecord,
  type StorageDigest,
  type VolumeRecord,
  volumeKey,
} from './records.ts'
import { resealSecrets } from './rotate-key.ts'
import { finishKeyChange, makeFreshKey, type SecretBox } from './secret-box.ts'
import { compareBytes, compareVolumes, Table, type VolumePlace } from './table.ts'

type ClaimPlace = Pick<ClaimRecord, 'namespace' | 'volumeID' | 'id'>

interface Rows {
  namespaces: NamespaceRecord
  csi_plugins: PluginRecord
  csi_volumes: VolumeRecord
  csi_creates: CreateIntent
  csi_deletes: DeleteIntent
  csi_claims: ClaimRecord
  storage_digests: StorageDigest
  host_volumes: HostVolumeRecord
  host_creates: HostCreateIntent
}

/**
 * Each table is in the order of its keys' bytes, but volumes are ordered by namespace, then ID, and claims by their
 * volume. Volumes with the same plugin and external ID are one group (handleOf).
 */
interface Tables {
  readonly namespaces: Table<NamespaceRecord>
  readonly csi_plugins: Table<PluginRecord>
  readonly csi_volumes: Table<VolumeRecord, VolumePlace>
  readonly csi_creates: Table<CreateIntent>
  readonly csi_deletes: Table<DeleteIntent>
  readonly storage_digests: Table<StorageDigest>
  readonly csi_claims: Table<ClaimRecord, ClaimPlace>
  readonly host_volumes: Table<HostVolumeRecord>
  readonly host_creates: Table<HostCreateIntent>
}

/** The changes of one write. Reads of the tables see them once the write is committed. */
export interface Transaction {
  /** The index of this write. It is greater than every earlier one, across restarts too. */
  readonly index: number
  readonly nowMs: number
  put<Name extends TableName>(table: Name, row: Rows[Name]): void
  remove(table: TableName, key: string): void
  /** Moves the index of a table whose answers change although its rows do not. */
  touch(table: TableName): void
}

/** A row that a write put or removed. */
export interface RowChange<Name extends TableName = TableName> {
  readonly table: Name
  readonly key: string
  /** undefined: the row is new. */
  readonly before: Rows[Name] | undefined
  /** undefined: the row was removed. */
  readonly after: Rows[Name] | undefined
}

/**
 * All that the server knows, in SQLite and in memory. Reads come from memory, so they never wait for the disk. When
 * `write` returns, the whole write is seen by every read; if it throws, nothing was changed. An answer or a call of a
 * plugin that rests on a write has to wait for `settled`. One process holds the state at a time.
 */
export interface State extends Tables {
  /** ID of this machine's node, chosen at the first start. */
  readonly nodeID: string
  /** Index of the last write to a table, at least 1. */
  index(table: TableName): number
  /** Runs `change` in one transaction, then calls the followers, and the watchers of what it changed. */
  write(change: (transaction: Transaction) => void): void
  /**
   * Resolves when all writes until now are on the disk. undefined: they are already. Rejects if the disk fails; from
   * then on writes are refused.
   */
  settled(): Promise<void> | undefined
  /** As `settled`, but once the disk failed it rejects for ever: for what must not happen if a restart forgets why. */
  durable(): Promise<void> | undefined
  /** Calls `changed` for each write, in order, as soon as reads see it. The returned function ends that. */
  follow(changed: (changes: readonly RowChange[], index: number) => void): () => void
  /**
   * Calls `changed` after each write to a topic: a table, or one row as `table/key`. The returned function ends that.
   */
  watch(topics: readonly string[], changed: () => void): () => void
  /**
   * Makes a new key and encrypts every stored secret with it. If the process ends in between, the next start finds the
   * key that the secrets are encrypted with. @returns the ID of the new key
   */
  rotateKey(): Promise<string>
  /** Writes the state, as it is at one moment, to a new file. Reads and writes go on meanwhile. */
  backup(path: string): Promise<void>
  close(): void
}

/** Opens the state in a data directory. @throws UsageError as openStateDatabase */
export function openState(
  directory: string,
  clock: Clock,
  { keyFile, log = silentLog }: { readonly keyFile?: string | undefined; readonly log?: Log } = {},
): State {
  return readState(openStateDatabase(directory, log, keyFile), clock, randomUUID)
}

/** The state in an opened database, which is closed with it. */
export function readState(database: StateDatabase, clock: Clock, newID: () => string): State {
  const { directory, sql, keyPath, sync, upkeep, close, ...opened } = database
  let { box } = opened
  const disk = createGroupSync(sync)
  // What a process wrote that was killed is in the file, and perhaps not on the disk yet.
  disk.noteWrite()
  const tables: Tables = {
    namespaces: byName((row) => row.name),
    csi_plugins: byName((row) => row.id),
    csi_volumes: new Table<VolumeRecord, VolumePlace>(
      (row) => volumeKey(row.namespace, row.id),
      compareVolumes,
      handleOf,
    ),
    csi_creates: byName((row) => volumeKey(row.definition.namespace, row.definition.id)),
    csi_deletes: byName((row) => volumeKey(row.namespace, row.id)),
    storage_digests: byName((row) => row.key),
    csi_claims: new Table<ClaimRecord, ClaimPlace>(
      (row) => row.id,
      (a, b) =>
        compareBytes(a.namespace, b.namespace) ||
        compareBytes(a.volumeID, b.volumeID) ||
        compareBytes(a.id, b.id),
    ),
    host_volumes: byName((row) => volumeKey(row.namespace, row.id)),
    host_creates: byName((row) => row.id),
  }
  const watchers = new Map<string, Set<() => void>>()
  const followers = new Set<Parameters<State['follow']>[0]>()
  const indexes = new Map<string, number>()

  const readMeta = sql.prepare('SELECT value FROM meta WHERE key = ?')
  const writeMeta = sql.prepare('INSERT INTO meta (key, value) VALUES (?, ?)')
  const writeIndex = sql.prepare(
    'INSERT INTO indexes (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value',
  )
  const statements = Object.fromEntries(
    tableNames.map((name) => [
      name,
      {
        put: sql.prepare(
          `INSERT INTO ${name} (key, document, secrets) VALUES (?, ?, ?)
           ON CONFLICT (key) DO UPDATE SET document = excluded.document, secrets = excluded.secrets`,
        ),
        remove: sql.prepare(`DELETE FROM ${name} WHERE key = ?`),
      },
    ]),
  ) as Record<TableName, { put: typeof readMeta; remove: typeof readMeta }>

  for (const { name, value } of sql.prepare('SELECT name, value FROM indexes').all()) {
    indexes.set(String(name), Number(value))
  }
  try {
    for (const name of tableNames) {
      const table: { set(row: object): void } = tables[name]
      for (const row of sql.prepare(`SELECT key, document, secrets FROM ${name} ORDER BY key`).all()) {
        const secrets = row.secrets === null ? null : String(row.secrets)
        table.set(readRow(box, name, String(row.key), String(row.document), secrets))
      }
    }
  } catch (error) {
    close()
    throw error
  }

  const write: State['write'] = (change) => {
    disk.noteWrite()
    const index = Math.max(0, ...indexes.values()) + 1
    const touched = new Set<TableName>()
    const changes = new Map<string, RowChange>()
    let writtenBytes = 0
    const transaction: Transaction = {
      index,
      nowMs: clock.now(),
      put(name, row) {
        // The compiler forgets which table goes with which row; the signature of `put` says it.
        const table = tables[name] as unknown as Table<typeof row>
        const key = table.keyOf(row)
        const [document, secrets] = toColumns(box, name, key, row)
        statements[name].put.run(key, document, secrets)
        writtenBytes += document.length + pageBytesOfRow
        touched.add(name)
        changes.set(`${name}/${key}`, { table: name, key, before: table.get(key), after: row })
      },
      remove(name, key) {
        statements[name].remove.run(key)
        writtenBytes += pageBytesOfRow
        touched.add(name)
        changes.set(`${name}/${key}`, { table: name, key, before: tables[name].get(key), after: undefined })
      },
      touch: (name) => touched.add(name),
    }
    try {
      runTransaction(sql, () => {
        change(transaction)
        for (const name of touched) writeIndex.run(name, index)
      })
    } catch (error) {
      throw isDiskFull(error) ? diskIsFull(directory, error) : error
    }
    upkeep?.noteWritten(writtenBytes)
    for (const { table: name, key, after } of changes.values()) {
      const table: { set(row: object): void; remove(key: string): void } = tables[name]
      if (after === undefined) table.remove(key)
      else table.set(after)
    }
    for (const name of touched) indexes.set(name, index)
    const rows = [...changes.values()]
    for (const changed of followers) changed(rows, index)
    const woken = [...changes.keys(), ...touched].flatMap((topic) => [...(watchers.get(topic) ?? [])])
    for (const changed of new Set(woken)) changed()
  }

  const nodeID = String(readMeta.get('node_id')?.value ?? newID())
  if (readMeta.get('node_id') === undefined) {
    disk.noteWrite()
    writeMeta.run('node_id', nodeID)
  }
  if (tables.namespaces.get('default') === undefined) {
    write(({ put, index }) =>
      put('namespaces', {
        name: 'default',
        description: 'Default shared namespace',
        meta: {},
        createIndex: index,
        modifyIndex: index,
      }),
    )
  }

  return {
    ...tables,
    nodeID,
    index: (table) => indexes.get(table) ?? 1,
    write,
    settled: disk.settled,
    durable: disk.durable,
    follow(changed) {
      followers.add(changed)
      return () => followers.delete(changed)
    },
    watch(topics, changed) {
      for (const topic of topics) {
        const set = watchers.get(topic) ?? new Set()
        watchers.set(topic, set.add(changed))
      }
      return () => {
        for (const topic of topics) {
          const set = watchers.get(topic)
          set?.delete(changed)
          if (set?.size === 0) watchers.delete(topic)
        }
      }
    },
    async rotateKey() {
      const fresh = makeFreshKey(keyPath)
      disk.noteWrite()
      resealSecrets(sql, box, fresh)
      box = fresh
      await disk.settled()
      finishKeyChange(keyPath, fresh.keyID)
      return fresh.keyID
    },
    async backup(path) {
      if (upkeep === undefined) throw new Error('this state takes no backups')
      await backUpTo(path, upkeep.backup)
    },
    close,
  }
}

/** A change of a row writes its page, one of the index of keys, and the one of the indexes. */
const pageBytesOfRow = 3 * 4096

/** Reads go on: they are served from memory. */
const diskIsFull = (directory: string, cause: unknown) =>
  new ApiError(
    507,
    `the disk of the server is full, and nothing was changed: free space where ${directory} is, then repeat the request`,
    { cause },
  )

const byName = <Row extends object>(keyOf: (row: Row) => string) =>
  new Table<Row>(keyOf, (a, b) => compareBytes(keyOf(a), keyOf(b)))

function readRow(
  box: SecretBox,
  table: TableName,
  key: string,
  document: string,
  secrets: string | null,
): object {
  try {
    return fromColumns(box, table, key, document, secrets)
  } catch (error) {
    throw new UsageError(
      `the server's state is damaged in its row ${key} of ${table} (${errorMessage(error)}); restore a backup: mooring server restore`,
      { cause: error },
    )
  }
}
