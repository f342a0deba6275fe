import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import type { Static, TObject } from 'typebox'
import { Check } from 'typebox/value'
import { errorCode } from '../lib/errors.ts'
import { removeFile, writeFileDurably } from './durable-files.ts'
import type { FileOperations } from './file-operations.ts'

interface Identified {
  readonly id: string
  readonly name?: string | undefined
}

/**
 * The records of one kind: a table of the pool's database, and a sidecar file `.<id>.json` beside each
 * volume or snapshot, from which a lost table is filled again. A record is in both before its data
 * becomes visible, and leaves both only after its data is gone.
 */
export interface RecordStore<Record extends Identified> {
  get(id: string): Record | undefined
  findByName(name: string): Record | undefined
  /** By ID, bytewise. */
  list(): Record[]
  ids(): Set<string>
  /** Of a field over all records, without reading them one by one: 0 where it is missing. */
  sum(field: keyof Record & string): number
  save(record: Record): Promise<void>
  remove(id: string): Promise<void>
  /** Brings table and sidecars together at start; gives the records that only a sidecar knew. */
  reconcile(): Promise<Record[]>
  /** Sidecars found at start that cannot be read and whose record the table has not, as far as they are still so. */
  unreadableSidecars(): Promise<string[]>
}

export function createRecordStore<Schema extends TObject>(options: {
  readonly database: DatabaseSync
  readonly files: FileOperations
  readonly table: 'volumes' | 'snapshots' | 'groups'
  /** Where the data and the sidecars are. */
  readonly directory: string
  readonly schema: Schema
}): RecordStore<Static<Schema> & Identified> {
  type Stored = Static<Schema> & Identified
  const { database, files, table, directory, schema } = options
  const selectByID = database.prepare(`SELECT record FROM ${table} WHERE id = ?`)
  const selectByName = database.prepare(`SELECT record FROM ${table} WHERE name = ?`)
  const selectIDs = database.prepare(`SELECT id FROM ${table}`)
  const selectSum = database.prepare(`SELECT total(record ->> ?) AS sum FROM ${table}`)
  const selectAll = database.prepare(`SELECT record FROM ${table} ORDER BY id`)
  const upsert = database.prepare(
    `INSERT INTO ${table} (id, name, record) VALUES (?, ?, ?)
     ON CONFLICT (id) DO UPDATE SET name = excluded.name, record = excluded.record`,
  )
  const deleteByID = database.prepare(`DELETE FROM ${table} WHERE id = ?`)

  // Rows are what this store wrote, checked by their types then.
  const parseRow = (row: { [column: string]: unknown }) => JSON.parse(String(row.record)) as Stored
  const sidecarPath = (id: string) => join(directory, `.${id}.json`)
  const encode = (record: Stored) => `${JSON.stringify(record, null, 2)}\n`
  /** IDs whose sidecar could not be read at start. */
  let unreadable: string[] = []
  const saveRow = (record: Stored) =>
    files.transact(database, () => upsert.run(record.id, record.name ?? null, JSON.stringify(record)))
  /** IDs that have a sidecar. */
  const listSidecars = async () =>
    (await readdir(directory))
      .filter((entry) => entry.startsWith('.') && entry.endsWith('.json'))
      .map((entry) => entry.slice(1, -'.json'.length))
  const readSidecar = async (id: string): Promise<Stored | undefined> => {
    try {
      const record: unknown = JSON.parse(await readFile(sidecarPath(id), 'utf8'))
      return Check(schema, record) && record.id === id ? (record as Stored) : undefined
    } catch {
      // Whatever is wrong with it, its caller reports the file.
      return undefined
    }
  }

  return {
    get(id) {
      const row = selectByID.get(id)
      return row && parseRow(row)
    },
    findByName(name) {
      const row = selectByName.get(name)
      return row && parseRow(row)
    },
    ids: () => new Set(selectIDs.all().map((row) => String(row.id))),
    sum: (field) => Number(selectSum.get(field)?.sum),
    list: () => selectAll.all().map(parseRow),
    async save(record) {
      saveRow(record)
      await writeFileDurably(files, sidecarPath(record.id), encode(record))
    },
    async remove(id) {
      await removeFile(files, sidecarPath(id))
      await files.sync(directory)
      files.transact(database, () => deleteByID.run(id))
    },
    async reconcile() {
      const recovered: Stored[] = []
      unreadable = []
      for (const id of await listSidecars()) {
        if (selectByID.get(id) !== undefined) continue
        const record = await readSidecar(id)
        if (record === undefined) {
          unreadable.push(id)
        } else {
          saveRow(record)
          recovered.push(record)
        }
      }
      for (const record of selectAll.all().map(parseRow)) {
        const present = await readFile(sidecarPath(record.id), 'utf8').catch((error: unknown) => {
          if (errorCode(error) === 'ENOENT') return undefined
          throw error
        })
        if (present !== encode(record)) await writeFileDurably(files, sidecarPath(record.id), encode(record))
      }
      return recovered
    },
    async unreadableSidecars() {
      const still: string[] = []
      for (const id of unreadable) {
        if (!existsSync(sidecarPath(id))) continue
        const record = await readSidecar(id)
        // Repaired meanwhile: its name must be known before the next create looks for it.
        if (record === undefined) still.push(id)
        else saveRow(record)
      }
      unreadable = still
      return still.map(sidecarPath)
    },
  }
}
