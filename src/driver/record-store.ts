import type { Static, TObject } from 'typebox'
import { errorMessage } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import { isNoRoom } from './driver-error.ts'
import { removeFile } from './durable-files.ts'
import type { FileOperations } from './file-operations.ts'
import { createGroupSync } from './group-sync.ts'
import type { MetadataDatabase, RecordTable } from './metadata-database.ts'
import { chooseCopy, parseCopy, type RecordCopy } from './record-copies.ts'
import { createSidecars } from './sidecars.ts'

interface Identified {
  readonly id: string
  readonly name?: string | undefined
  /** Set by the store. */
  readonly generation?: number | undefined
}

/** A record that is somewhere, and that cannot be read anywhere. */
export interface Doubt {
  readonly id: string
  /** The file to repair, or to remove. */
  readonly path: string
  /** What is wrong with the file, as the end of a sentence. */
  readonly reason: string
}

/**
 * The records of one kind, in memory and in two places on the disk: a row of the pool's database, and a
 * sidecar file `.<id>.json` beside each volume or snapshot. Every change gives a record a higher generation,
 * and the copy with the higher one counts.
 *
 * A promise that resolves means that the row survives a power cut, and that the sidecar survives the end of
 * the process. Until it settles readers see the new record. Where it rejects, the old one again.
 */
export interface RecordStore<Record extends Identified> {
  get(id: string): Record | undefined
  findByName(name: string): Record | undefined
  list(): Record[]
  has(id: string): boolean
  /** Records an intent, in the database alone: there is nothing beside the file yet, or soon no more. */
  begin(record: Record): Promise<void>
  /** `mayLag`: a full file system may leave the sidecar behind. For what gives room back. */
  save(record: Record, options?: { readonly mayLag?: boolean }): Promise<void>
  /** Writes the sidecar of what a record is about to become, which takes longer than to record that. */
  prepare(record: Record): PreparedRecord
  /** Forgets a record whose data is out of sight. The change of the directory is on the disk when it resolves. */
  remove(id: string): Promise<void>
  /** Looks again at what could not be read. A repaired file is taken up, a removed one no longer counts. */
  doubts(): Doubt[]
  /** The same for one ID. undefined: nothing about it is in doubt. */
  doubtOf(id: string): Doubt | undefined
  /** Makes the entries of the directory survive a power cut. Calls share one sync. */
  syncDirectory(): Promise<void>
}

/** A record whose sidecar lies under a name that counts for nothing yet. It is noted once, or dropped. */
export interface PreparedRecord {
  /** Rejects where the sidecar could not be written. Nothing can be noted before it resolves. */
  readonly written: Promise<void>
  /** Records what the disk shows already, so that nothing has to wait for it: a power cut may take the row back. */
  note(): Promise<void>
  /** Never rejects: the next start removes what this could not. */
  drop(): Promise<void>
}

export interface RecordStoreOptions<Schema extends TObject> {
  readonly database: MetadataDatabase
  readonly files: FileOperations
  readonly table: RecordTable
  /** Where the data and the sidecars are. */
  readonly directory: string
  readonly schema: Schema
  /** Milliseconds since the Unix epoch. */
  readonly now: () => number
  readonly log: Log
}

/** Reads both copies of all records, and brings them together. What cannot be read is in doubt, no more. */
export async function openRecordStore<Schema extends TObject>(
  options: RecordStoreOptions<Schema>,
): Promise<RecordStore<Static<Schema> & Identified>> {
  type Stored = Static<Schema> & Identified
  const { database, files, table, directory, schema, now, log } = options
  const upsert = database.prepare(
    `INSERT INTO ${table} (id, record) VALUES (?, ?)
     ON CONFLICT (id) DO UPDATE SET record = excluded.record`,
  )
  const deleteByID = database.prepare(`DELETE FROM ${table} WHERE id = ?`)
  const records = new Map<string, Stored>()
  const idsByName = new Map<string, string>()
  const inDoubt = new Map<string, Doubt>()
  let lastGeneration = 0

  const sidecars = createSidecars<Stored>(files, directory, schema)
  const syncDirectory = createGroupSync(() => files.sync(directory))
  const forget = (id: string) => {
    const name = records.get(id)?.name
    if (name !== undefined && idsByName.get(name) === id) idsByName.delete(name)
    records.delete(id)
  }
  const remember = (record: Stored) => {
    forget(record.id)
    records.set(record.id, record)
    if (record.name !== undefined) idsByName.set(record.name, record.id)
    lastGeneration = Math.max(lastGeneration, record.generation ?? 0)
  }
  // Above all that is known, and above what may have been forgotten with a lost file: hence the clock.
  const stamp = (record: Stored): Stored => ({ ...record, generation: Math.max(lastGeneration + 1, now()) })
  const writeRow = (record: Stored) => upsert.run(record.id, JSON.stringify(record))
  /** @param stored with its generation @param beside brings the sidecar to it */
  async function change(
    stored: Stored,
    {
      beside,
      isDurable,
      mayLag = false,
    }: { beside?: () => Promise<void>; isDurable: boolean; mayLag?: boolean },
  ): Promise<void> {
    const before = records.get(stored.id)
    database.write(() => writeRow(stored))
    remember(stored)
    const written = await Promise.allSettled([isDurable ? database.sync() : undefined, beside?.()])
    const [row, sidecar] = written
    if (row.status === 'fulfilled' && sidecar.status === 'rejected' && mayLag && isNoRoom(sidecar.reason)) {
      log.warn({ path: sidecars.path(stored.id) }, 'no room for the record beside the data; its row holds')
      return
    }
    const failed = written.find((result) => result.status === 'rejected')
    if (failed === undefined) return
    if (records.get(stored.id) === stored) await takeBack(stored.id, before)
    throw failed.reason
  }

  function prepare(record: Stored): PreparedRecord {
    const stored = stamp(record)
    const temporary = sidecars.temporaryPath(stored.id)
    const written = sidecars.prepare(temporary, stored)
    return {
      written,
      note: () => change(stored, { beside: () => sidecars.place(temporary, stored.id), isDurable: false }),
      async drop() {
        try {
          await written.catch(() => undefined)
          await removeFile(files, temporary)
        } catch (error) {
          log.warn(
            { path: temporary, error: errorMessage(error) },
            'a record that came to nothing stays for now',
          )
        }
      },
    }
  }

  /** Whoever asked is told that it failed, so what was before holds again, if the disk lets it. */
  async function takeBack(id: string, before: Stored | undefined): Promise<void> {
    forget(id)
    if (before !== undefined) remember(stamp(before))
    try {
      const restored = records.get(id)
      database.write(() => (restored === undefined ? deleteByID.run(id) : writeRow(restored)))
      if (restored === undefined) await removeFile(files, sidecars.path(id))
    } catch (error) {
      log.warn({ table, id, error: errorMessage(error) }, 'a change that failed may hold after a restart')
    }
  }

  /** Takes a record up in memory, and mends the copy that is behind. */
  async function adopt(record: Stored, row: RecordCopy<Stored>, beside: RecordCopy<Stored>): Promise<void> {
    remember(record)
    const isSame = (copy: RecordCopy<Stored>) =>
      copy.state === 'good' && JSON.stringify(copy.record) === JSON.stringify(record)
    try {
      if (!isSame(row)) database.write(() => writeRow(record))
      if (!isSame(beside)) await sidecars.write(record)
    } catch (error) {
      log.warn(
        { path: sidecars.path(record.id), error: errorMessage(error) },
        'one of the two copies of a record could not be brought up to date; the other one holds',
      )
    }
  }

  /** What is damaged in the database alone gets a file that can be repaired or removed. */
  async function doubt(id: string, rowText: string | undefined, beside: RecordCopy<Stored>): Promise<void> {
    const path = sidecars.path(id)
    const reason = beside.state === 'damaged' ? beside.reason : 'is damaged in the database'
    inDoubt.set(id, { id, path, reason })
    log.error({ path, reason }, 'a record cannot be read: repair the file, or remove it')
    if (beside.state !== 'absent' || rowText === undefined) return
    await files.createFile(path, rowText).catch((error: unknown) => {
      log.warn({ path, error: errorMessage(error) }, 'the damaged record could not be put beside its data')
    })
  }

  function lookAgain(present: Doubt): Doubt | undefined {
    const beside = sidecars.read(present.id)
    if (beside.state === 'damaged') return { ...present, reason: beside.reason }
    inDoubt.delete(present.id)
    if (beside.state === 'absent') {
      database.write(() => deleteByID.run(present.id))
    } else {
      database.write(() => writeRow(beside.record))
      remember(beside.record)
    }
    return undefined
  }

  const rows = new Map(
    database
      .prepare(`SELECT id, record FROM ${table}`)
      .all()
      .map((row) => [String(row.id), String(row.record)] as const),
  )
  for (const id of new Set([...rows.keys(), ...sidecars.listIDs()])) {
    const text = rows.get(id)
    const row: RecordCopy<Stored> =
      text === undefined ? { state: 'absent' } : parseCopy<Stored>(schema, id, text)
    const beside = sidecars.read(id)
    const chosen = chooseCopy(row, beside)
    if (chosen === 'in doubt') await doubt(id, text, beside)
    else if (chosen !== undefined) {
      if (chosen.from === 'beside') log.warn({ table, id }, 'record taken up again from the file beside it')
      await adopt(chosen.record, row, beside)
    }
  }

  return {
    get: (id) => records.get(id),
    findByName(name) {
      const id = idsByName.get(name)
      return id === undefined ? undefined : records.get(id)
    },
    list: () => [...records.values()],
    has: (id) => records.has(id),
    begin: (record) => change(stamp(record), { isDurable: true }),
    save(record, { mayLag = false } = {}) {
      const stored = stamp(record)
      return change(stored, { beside: () => sidecars.write(stored), isDurable: true, mayLag })
    },
    prepare,
    async remove(id) {
      await removeFile(files, sidecars.path(id))
      await syncDirectory()
      database.write(() => deleteByID.run(id))
      forget(id)
    },
    doubts: () => [...inDoubt.values()].flatMap((present) => lookAgain(present) ?? []),
    doubtOf(id) {
      const present = inDoubt.get(id)
      return present && lookAgain(present)
    },
    syncDirectory,
  }
}
