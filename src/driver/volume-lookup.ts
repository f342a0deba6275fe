import { aborted, failedPrecondition, invalidArgument, notFound } from './driver-error.ts'
import { couldBeOf, isPoolID } from './names.ts'
import type { Pool } from './pool.ts'
import type { Doubt, RecordStore } from './record-store.ts'
import type { SnapshotRecord, VolumeRecord } from './records.ts'

/**
 * A volume by its ID: its record, or for a directory that somebody put into the pool the record that it
 * would have. undefined: there is none, or nobody was told of it yet.
 */
export function findVolume(pool: Pool, id: string): VolumeRecord | undefined {
  // What could not be the name of an entry is no volume. It never becomes part of a path.
  if (!isPoolID(id)) return undefined
  requireKnown(pool.volumes.doubtOf(id), 'volume')
  const record = pool.volumes.get(id)
  if (record !== undefined) return record.state === 'ready' ? record : undefined
  return pool.hasData(pool.volumePath(id), 'mount') ? describeUnrecorded(id) : undefined
}

/**
 * All volumes that callers may know of, in any order: recorded ones (those that are being deleted, too),
 * directories that somebody put into the pool, and what is in doubt.
 */
export async function listVolumes(pool: Pool): Promise<VolumeRecord[]> {
  const recorded = pool.volumes.list().filter(({ state }) => state !== 'creating')
  const inDoubt = pool.volumes.doubts().map(({ id }) => id)
  const others = new Set([...(await pool.listUnrecorded()), ...inDoubt.filter(isPoolID)])
  return [...recorded, ...[...others].map(describeUnrecorded)]
}

/** @throws DriverError FAILED_PRECONDITION where there is a doubt, naming the file */
export function requireKnown(doubt: Doubt | undefined, what: 'volume' | 'snapshot' | 'group snapshot'): void {
  if (doubt === undefined) return
  throw failedPrecondition(`${what} ${doubt.id} is in doubt: ${describeDoubt(doubt)}`)
}

/** What is wrong with a record that cannot be read, and what to do. */
export function describeDoubt({ path, reason }: Doubt): string {
  return `its record ${path} ${reason}. Repair that file, or remove it if what it names is not needed under its name`
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
  if (volume === undefined && pool.volumes.get(id)?.state === 'deleting') {
    throw aborted(`volume ${id} is being deleted`)
  }
  if (volume === undefined) throw notFound(`there is no volume ${JSON.stringify(id)}`)
  return volume
}

/** A snapshot that callers may know of. */
export function findSnapshot(pool: Pool, id: string): SnapshotRecord | undefined {
  if (!isPoolID(id)) return undefined
  requireKnown(pool.snapshots.doubtOf(id), 'snapshot')
  const snapshot = pool.snapshots.get(id)
  return snapshot !== undefined && isKnown(pool, snapshot) ? snapshot : undefined
}

/** Whether callers may know of a snapshot: its end is not decided, and its group, if it has one, is there. */
export function isKnown(pool: Pool, { state, groupID }: SnapshotRecord): boolean {
  const group = groupID === undefined ? undefined : pool.groups.get(groupID)
  return state !== 'deleting' && (group === undefined || group.state === 'ready')
}

/**
 * A name is the key of idempotency, so nothing is made under a name that a record may hide which cannot be
 * read. Other names are not held up: the ID of the record tells which ones it may hide.
 * @throws DriverError FAILED_PRECONDITION naming the file
 */
export function ensureNameIsKnown(records: Pick<RecordStore<VolumeRecord>, 'doubts'>, name: string): void {
  const doubt = records.doubts().find(({ id }) => couldBeOf(id, name))
  if (doubt === undefined) return
  throw failedPrecondition(
    `nothing can be created under this name while it may be taken already: the record ${doubt.path} ${doubt.reason}, ` +
      'and its name may be the same. Repair the file, or remove it if what it names is not needed under its name',
  )
}
