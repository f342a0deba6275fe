import { failedPrecondition, invalidArgument, notFound } from './driver-error.ts'
import { isPoolID } from './names.ts'
import type { Pool } from './pool.ts'
import type { SnapshotRecord, VolumeRecord } from './records.ts'

/**
 * A volume by its ID: its record, or for a directory that somebody put into the pool the record that it
 * would have. undefined: there is none, or nobody was told of it yet.
 */
export function findVolume(pool: Pool, id: string): VolumeRecord | undefined {
  // What could not be the name of an entry is no volume; it never becomes part of a path.
  if (!isPoolID(id)) return undefined
  const record = pool.volumes.get(id)
  if (record !== undefined) return record.state === 'ready' ? record : undefined
  return pool.hasData(pool.volumePath(id), 'mount') ? describeUnrecorded(id) : undefined
}

/** A directory that somebody put into the pool: no name, no promised capacity. */
export function describeUnrecorded(id: string): VolumeRecord {
  return {
    id,
    state: 'ready',
    kind: 'mount',
    capacityBytes: 0,
    createTimeMs: 0,
    parameters: {},
    attachments: [],
    stagings: [],
    publications: [],
  }
}

/** @throws DriverError INVALID_ARGUMENT without an ID, NOT_FOUND without a volume */
export function getVolume(pool: Pool, id: string): VolumeRecord {
  if (id === '') throw invalidArgument('volume_id is required')
  const volume = findVolume(pool, id)
  if (volume === undefined) throw notFound(`there is no volume ${JSON.stringify(id)}`)
  return volume
}

/** A snapshot that callers may know of. */
export function findSnapshot(pool: Pool, id: string): SnapshotRecord | undefined {
  if (!isPoolID(id)) return undefined
  const snapshot = pool.snapshots.get(id)
  return snapshot !== undefined && isKnown(pool, snapshot) ? snapshot : undefined
}

/** Whether callers may know of a snapshot: its end is not decided, and its group, if it has one, is there. */
export function isKnown(pool: Pool, { state, groupID }: SnapshotRecord): boolean {
  const group = groupID === undefined ? undefined : pool.groups.get(groupID)
  return state !== 'deleting' && (group === undefined || group.state === 'ready')
}

/**
 * A name is the key of idempotency, so nothing may be made while a record, and with it a name, is hidden
 * in a file that cannot be read.
 * @throws DriverError FAILED_PRECONDITION naming the file
 */
export async function ensureNamesAreKnown(pool: Pool): Promise<void> {
  const unreadable = [
    ...(await pool.volumes.unreadableSidecars()),
    ...(await pool.snapshots.unreadableSidecars()),
    ...(await pool.groups.unreadableSidecars()),
  ]
  if (unreadable.length === 0) return
  throw failedPrecondition(
    `nothing can be created while the record in ${unreadable.join(', ')} is unreadable: its name may be the same. ` +
      'Repair the file, or remove it if its volume or snapshot is not needed under its name',
  )
}
