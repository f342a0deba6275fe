import { randomBytes } from 'node:crypto'
import { lstatSync } from 'node:fs'
import { lstat, readdir, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { errorCode, errorMessage, UsageError } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import { openDatabase } from '../lib/sqlite.ts'
import type { FileOperations } from './file-operations.ts'
import { isPoolID } from './names.ts'
import { createRecordStore, type RecordStore } from './record-store.ts'
import { GroupRecord, SnapshotRecord, VolumeRecord } from './records.ts'

/**
 * The directory that holds everything:
 *
 *   volumes/<id>          a volume: a directory, or a sparse file for a block volume
 *   volumes/.<id>.json    its sidecar: the record as JSON
 *   snapshots/<id>        a snapshot, likewise, with its sidecar
 *   groups/.<id>.json     the record of a group snapshot, whose snapshots are in snapshots/
 *   .mooring/metadata.db  the records of all (SQLite)
 *   .mooring/staging/     what is being made or removed, in a directory per process; cleared at start
 *
 * A volume or snapshot appears and disappears by one rename between staging and its place.
 */
export interface Pool {
  readonly directory: string
  readonly volumesDirectory: string
  /** The driver's own files. */
  readonly internalDirectory: string
  readonly volumes: RecordStore<VolumeRecord>
  readonly snapshots: RecordStore<SnapshotRecord>
  readonly groups: RecordStore<GroupRecord>
  volumePath(id: string): string
  snapshotPath(id: string): string
  /** A path in staging that nothing else uses. */
  stagingPath(id: string): string
  /** Makes what was built in staging visible, durably. */
  reveal(stagingPath: string, finalPath: string): Promise<void>
  /** Takes data out of sight, durably, and gives the staging path it went to; undefined: it was not there. */
  hide(path: string): Promise<string | undefined>
  /** Directories in volumes/ that have no record: put there by somebody. */
  listUnrecorded(): Promise<string[]>
  /** Whether something real (not a symbolic link) of this kind is at the path. */
  hasData(path: string, kind: 'mount' | 'block'): boolean
  close(): void
}

/**
 * Opens (or lays out) a pool and takes it for this process alone.
 * @throws UsageError when another process has it, or its database cannot be used
 */
export async function openPool(directory: string, files: FileOperations, log: Log): Promise<Pool> {
  const volumesDirectory = join(directory, 'volumes')
  const snapshotsDirectory = join(directory, 'snapshots')
  const groupsDirectory = join(directory, 'groups')
  const internalDirectory = join(directory, '.mooring')
  const stagingParent = join(internalDirectory, 'staging')
  const stagingDirectory = join(stagingParent, randomBytes(4).toString('hex'))
  for (const path of [directory, volumesDirectory, snapshotsDirectory, groupsDirectory, stagingParent]) {
    await makeDirectories(files, path)
  }
  // Metadata holds parameters; volumes are for workloads of any user.
  await files.chmod(internalDirectory, 0o700)
  const devices = await Promise.all(
    [volumesDirectory, snapshotsDirectory, stagingParent].map(async (path) => (await lstat(path)).dev),
  )
  if (new Set(devices).size > 1) {
    throw new UsageError(`the pool ${directory} has to be on one file system: renames do not cross mounts`)
  }

  const database = openDatabase({
    path: join(internalDirectory, 'metadata.db'),
    what: 'the metadata of the pool',
    remedies: {
      busy: 'end that one, or give another --pool',
      damaged: 'move it away, and it is made again from the files beside the volumes',
    },
    migrations: ['volumes', 'snapshots', 'groups'].map(
      (table) =>
        `CREATE TABLE ${table} (id TEXT PRIMARY KEY, name TEXT UNIQUE, record TEXT NOT NULL) STRICT;`,
    ),
  })
  for (const parent of [volumesDirectory, snapshotsDirectory, groupsDirectory]) {
    for (const entry of await readdir(parent)) {
      if (entry.startsWith('.') && entry.endsWith('.tmp')) await files.unlink(join(parent, entry))
    }
  }
  // A copy that the last process left running ends when its place is gone, and finds no way into ours.
  for (const entry of await readdir(stagingParent)) await removeTree(files, join(stagingParent, entry), log)
  await files.mkdir(stagingDirectory, 0o700)

  const volumes = createRecordStore({
    database,
    files,
    table: 'volumes',
    directory: volumesDirectory,
    schema: VolumeRecord,
  })
  const snapshots = createRecordStore({
    database,
    files,
    table: 'snapshots',
    directory: snapshotsDirectory,
    schema: SnapshotRecord,
  })
  const groups = createRecordStore({
    database,
    files,
    table: 'groups',
    directory: groupsDirectory,
    schema: GroupRecord,
  })

  return {
    directory,
    volumesDirectory,
    internalDirectory,
    volumes,
    snapshots,
    groups,
    volumePath: (id) => join(volumesDirectory, id),
    snapshotPath: (id) => join(snapshotsDirectory, id),
    stagingPath: (id) => join(stagingDirectory, `${id}.${randomBytes(4).toString('hex')}`),
    async reveal(stagingPath, finalPath) {
      await files.rename(stagingPath, finalPath)
      await files.sync(dirname(finalPath))
    },
    async hide(path) {
      const hidden = join(stagingDirectory, `deleted.${randomBytes(8).toString('hex')}`)
      try {
        await files.rename(path, hidden)
      } catch (error) {
        if (errorCode(error) === 'ENOENT') return undefined
        throw error
      }
      await files.sync(dirname(path))
      return hidden
    },
    async listUnrecorded() {
      const entries = await readdir(volumesDirectory, { withFileTypes: true })
      const recorded = volumes.ids()
      return entries
        .filter((entry) => entry.isDirectory() && isPoolID(entry.name))
        .map((entry) => entry.name)
        .filter((id) => !recorded.has(id))
    },
    hasData(path, kind) {
      const stats = lstatSync(path, { throwIfNoEntry: false })
      return kind === 'mount' ? stats?.isDirectory() === true : stats?.isFile() === true
    },
    close: () => database.close(),
  }
}

/** Removes a file or directory in staging. What cannot be removed now is tried again at the next start. */
export async function removeTree(files: FileOperations, path: string, log: Log): Promise<void> {
  try {
    await files.run('rm', ['-rf', '--one-file-system', '--', path])
  } catch (error) {
    log.warn(
      { path, error: errorMessage(error) },
      'could not remove what is left of a deleted volume or copy',
    )
  }
}

/** Makes a directory and those above it that are missing, for the owner to change alone. */
export async function makeDirectories(files: FileOperations, path: string): Promise<void> {
  const isThere = await stat(path).then(
    (stats) => stats.isDirectory(),
    (error: unknown) => {
      if (errorCode(error) === 'ENOENT') return false
      throw error
    },
  )
  if (isThere) return
  await makeDirectories(files, dirname(path))
  await files.mkdir(path, 0o755)
}
