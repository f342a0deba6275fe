import { randomBytes } from 'node:crypto'
import { accessSync, constants, lstatSync, readdirSync, statSync } from 'node:fs'
import { lstat, readdir, realpath } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import type { Clock } from '../lib/clock.ts'
import { errorCode, errorMessage, UsageError } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import { type Ballast, createBallast } from './ballast.ts'
import { isNoRoom } from './driver-error.ts'
import type { FileOperations } from './file-operations.ts'
import { openMetadataDatabase } from './metadata-database.ts'
import { isPoolID } from './names.ts'
import { openRecordStore, type RecordStore } from './record-store.ts'
import { GroupRecord, SnapshotRecord, VolumeRecord } from './records.ts'
import { requireTrusted } from './trusted-files.ts'

/**
 * The directory that holds everything:
 *
 *   volumes/<id>          a volume: a directory, or a sparse file for a block volume
 *   volumes/.<id>.json    its sidecar: the record as JSON
 *   snapshots/<id>        a snapshot, likewise, with its sidecar
 *   groups/.<id>.json     the record of a group snapshot, whose snapshots are in snapshots/
 *   .mooring/metadata.db  the records of all (SQLite)
 *   .mooring/ballast      a little room for when the file system is full
 *   .mooring/staging/     what is being made or removed, in a directory per process
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
  readonly ballast: Ballast
  /** What earlier processes left in staging. */
  readonly leftovers: readonly string[]
  volumePath(id: string): string
  snapshotPath(id: string): string
  /** A path in staging that nothing else uses. */
  stagingPath(id: string): string
  /** Makes what was built in staging visible. It is on the disk when the store's directory was synced. */
  revealVolume(stagingPath: string, id: string): Promise<void>
  revealSnapshot(stagingPath: string, id: string): Promise<void>
  /**
   * Takes data out of sight, and gives the staging path that it went to. undefined: it was not there. A power
   * cut may take that back until the removal of the record, which follows, is through.
   */
  hide(path: string): Promise<string | undefined>
  /** Directories in volumes/ that have no record: put there by somebody. */
  listUnrecorded(): Promise<string[]>
  /** Whether something real (not a symbolic link) of this kind is at the path. */
  hasData(path: string, kind: 'mount' | 'block'): boolean
  close(): void
}

/**
 * Opens (or lays out) a pool and takes it for this process alone.
 * @throws UsageError when another process has it, somebody else may write to it, or it cannot be used
 */
export async function openPool(
  directory: string,
  { files, clock, log }: { readonly files: FileOperations; readonly clock: Clock; readonly log: Log },
): Promise<Pool> {
  try {
    await makeDirectories(files, resolve(directory))
    return await openPoolAt(await realpath(directory), files, clock, log)
  } catch (error) {
    throw error instanceof UsageError ? error : explainUnusable(directory, error)
  }
}

async function openPoolAt(directory: string, files: FileOperations, clock: Clock, log: Log): Promise<Pool> {
  const volumesDirectory = join(directory, 'volumes')
  const snapshotsDirectory = join(directory, 'snapshots')
  const groupsDirectory = join(directory, 'groups')
  const internalDirectory = join(directory, '.mooring')
  const stagingParent = join(internalDirectory, 'staging')
  const databasePath = join(internalDirectory, 'metadata.db')
  const visible = [directory, volumesDirectory, snapshotsDirectory, groupsDirectory]
  const directories = [...visible, internalDirectory, stagingParent]
  for (const path of directories) await makeDirectories(files, path)
  for (const path of directories) accessSync(path, constants.W_OK)
  requireTrusted([...directories, databasePath, `${databasePath}-wal`])
  // Metadata holds parameters. Volumes are for workloads of any user.
  if ((statSync(internalDirectory).mode & 0o777) !== 0o700) await files.chmod(internalDirectory, 0o700)
  const devices = await Promise.all(
    [volumesDirectory, snapshotsDirectory, stagingParent].map(async (path) => (await lstat(path)).dev),
  )
  if (new Set(devices).size > 1) {
    throw new UsageError(`the pool ${directory} has to be on one file system: renames do not cross mounts`)
  }

  const ballast = createBallast(join(internalDirectory, 'ballast'), files, log)
  const database = await ballast.withRoom(() => openMetadataDatabase(databasePath, files))
  try {
    for (const parent of [volumesDirectory, snapshotsDirectory, groupsDirectory]) {
      for (const entry of await readdir(parent)) {
        if (entry.startsWith('.') && entry.endsWith('.tmp')) await files.unlink(join(parent, entry))
      }
    }
    const leftovers = listLeftovers(stagingParent)
    const stagingDirectory = await makeStaging(files, stagingParent)
    const shared = { database, files, now: () => clock.now(), log }
    const volumes = await openRecordStore({
      ...shared,
      table: 'volumes',
      directory: volumesDirectory,
      schema: VolumeRecord,
    })
    const snapshots = await openRecordStore({
      ...shared,
      table: 'snapshots',
      directory: snapshotsDirectory,
      schema: SnapshotRecord,
    })
    const groups = await openRecordStore({
      ...shared,
      table: 'groups',
      directory: groupsDirectory,
      schema: GroupRecord,
    })
    // What was taken up from the files beside the data, which nobody synced, holds through a power cut from here on.
    await database.sync().catch((error: unknown) => {
      log.warn({ error: errorMessage(error) }, 'what was read of the records may not be on the disk')
    })
    await ballast.restore()
    // Other processes may have left something in the same directory.
    const process = randomBytes(4).toString('hex')
    let made = 0
    const unique = () => `${process}${made++}`
    const volumePath = (id: string) => join(volumesDirectory, id)
    const snapshotPath = (id: string) => join(snapshotsDirectory, id)

    return {
      directory,
      volumesDirectory,
      internalDirectory,
      volumes,
      snapshots,
      groups,
      ballast: {
        ...ballast,
        withRoom: (work) => ballast.withRoom(work, () => database.shrinkLog()),
      },
      leftovers,
      volumePath,
      snapshotPath,
      stagingPath: (id) => join(stagingDirectory, `${id}.${unique()}`),
      revealVolume: (stagingPath, id) => files.rename(stagingPath, volumePath(id)),
      revealSnapshot: (stagingPath, id) => files.rename(stagingPath, snapshotPath(id)),
      async hide(path) {
        const hidden = join(stagingDirectory, `deleted.${unique()}`)
        try {
          await files.rename(path, hidden)
        } catch (error) {
          if (errorCode(error) === 'ENOENT') return undefined
          throw error
        }
        return hidden
      },
      async listUnrecorded() {
        const entries = await readdir(volumesDirectory, { withFileTypes: true })
        return entries
          .filter((entry) => entry.isDirectory() && isPoolID(entry.name))
          .map((entry) => entry.name)
          .filter((id) => !volumes.has(id))
      },
      hasData(path, kind) {
        const stats = lstatSync(path, { throwIfNoEntry: false })
        return kind === 'mount' ? stats?.isDirectory() === true : stats?.isFile() === true
      },
      close: () => database.close(),
    }
  } catch (error) {
    database.close()
    throw error
  }
}

/** What is in the directories of earlier processes, and then those themselves. */
function listLeftovers(stagingParent: string): string[] {
  return readdirSync(stagingParent, { withFileTypes: true }).flatMap((entry) => {
    const path = join(stagingParent, entry.name)
    const inner = entry.isDirectory() ? readdirSync(path).map((name) => join(path, name)) : []
    return [...inner, path]
  })
}

/**
 * A directory of this process alone: a copy that the last process left running finds no way into it once its
 * own is gone.
 */
async function makeStaging(files: FileOperations, stagingParent: string): Promise<string> {
  const directory = join(stagingParent, randomBytes(4).toString('hex'))
  try {
    await files.mkdir(directory, 0o700)
    return directory
  } catch (error) {
    // What is to be deleted on a full file system needs a place that takes no room.
    if (isNoRoom(error)) return stagingParent
    throw error
  }
}

/** Makes a directory and those above it that are missing, for the owner to change alone, on the disk. */
export async function makeDirectories(files: FileOperations, path: string): Promise<void> {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) return
  if (dirname(path) !== path) await makeDirectories(files, dirname(path))
  await files.mkdir(path, 0o755)
  // Otherwise a power cut might take it away with all that was synced in it.
  await files.sync(dirname(path)).catch((error: unknown) => {
    // A directory in which this user may make entries and not list them is left to its file system.
    if (errorCode(error) !== 'EACCES') throw error
  })
}

function explainUnusable(directory: string, error: unknown): UsageError {
  const remedies: Record<string, string> = {
    EROFS: 'its file system is read-only: mount it writable, or give another --pool',
    EACCES: 'this user may not write there: use chown, or give another --pool',
    EPERM: 'this user may not change it: use chown, or give another --pool',
    ENOTDIR: 'a part of the path is no directory: give another --pool',
    EEXIST: 'a part of the path is no directory: give another --pool',
    ENOSPC: 'its file system is full: make room, or give another --pool',
    EIO: 'the disk does not read or write: look into the kernel’s log',
  }
  const remedy = remedies[errorCode(error) ?? ''] ?? 'see what the system says'
  return new UsageError(`the pool ${directory} cannot be used: ${remedy} (${errorMessage(error)})`, {
    cause: error,
  })
}
