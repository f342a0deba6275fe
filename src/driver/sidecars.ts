import { randomBytes } from 'node:crypto'
import { lstatSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TObject } from 'typebox'
import { errorCode, errorMessage } from '../lib/errors.ts'
import { removeFile } from './durable-files.ts'
import type { FileOperations } from './file-operations.ts'
import { parseCopy, type RecordCopy } from './record-copies.ts'
import { distrustReason } from './trusted-files.ts'

/** The files `.<id>.json` that hold the records of a directory beside its data. Each is there whole, or not at all. */
export interface Sidecars<Record> {
  path(id: string): string
  listIDs(): string[]
  read(id: string): RecordCopy<Record>
  write(record: Record): Promise<void>
  /** A new name of which the next start removes what is left. */
  temporaryPath(id: string): string
  /** Writes what `place` puts in its place later. What it could not write whole it removes. */
  prepare(temporaryPath: string, record: Record): Promise<void>
  place(temporaryPath: string, id: string): Promise<void>
}

/** Sidecars are far smaller. */
const longestSidecarBytes = 2 ** 20

/** The schema is the one of `Record`. */
export function createSidecars<Record extends { readonly id: string }>(
  files: FileOperations,
  directory: string,
  schema: TObject,
): Sidecars<Record> {
  const path = (id: string) => join(directory, `.${id}.json`)
  const temporaryPath = (id: string) => join(directory, `.${id}.json.${randomBytes(4).toString('hex')}.tmp`)
  async function prepare(temporary: string, record: Record): Promise<void> {
    try {
      await files.createFile(temporary, `${JSON.stringify(record, null, 2)}\n`)
    } catch (error) {
      await removeFile(files, temporary)
      throw error
    }
  }
  async function place(temporary: string, id: string): Promise<void> {
    try {
      await files.rename(temporary, path(id))
    } catch (error) {
      await removeFile(files, temporary)
      if (errorCode(error) !== 'EISDIR') throw error
      throw new Error(`the record ${path(id)} is a directory: move it away`, { cause: error })
    }
  }
  return {
    path,
    listIDs: () =>
      readdirSync(directory)
        .filter((entry) => entry.startsWith('.') && entry.endsWith('.json'))
        .map((entry) => entry.slice(1, -'.json'.length)),
    read: (id) => readSidecar(schema, id, path(id)),
    async write(record) {
      const temporary = temporaryPath(record.id)
      await prepare(temporary, record)
      await place(temporary, record.id)
    },
    temporaryPath,
    prepare,
    place,
  }
}

function readSidecar<Record extends { readonly id: string }>(
  schema: TObject,
  id: string,
  path: string,
): RecordCopy<Record> {
  const damaged = (reason: string) => ({ state: 'damaged', reason }) as const
  try {
    const stats = lstatSync(path)
    if (stats.isDirectory()) return damaged('is a directory')
    if (!stats.isFile()) return damaged('is no plain file')
    if (stats.size > longestSidecarBytes) return damaged(`is larger than ${longestSidecarBytes} bytes`)
    const distrust = distrustReason(stats)
    if (distrust !== undefined) return damaged(distrust)
    return parseCopy(schema, id, readFileSync(path, 'utf8'))
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return { state: 'absent' }
    return damaged(`cannot be read (${errorMessage(error)})`)
  }
}
