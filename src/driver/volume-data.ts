import { dataLoss, failedPrecondition } from './driver-error.ts'
import { isAtOrBelow, type Mount, mountAt, readMountTable } from './mount-table.ts'
import type { Pool } from './pool.ts'
import type { SnapshotRecord, VolumeRecord } from './records.ts'

/**
 * Gives the path of a volume's data, which is there and is the volume's own.
 * @throws DriverError DATA_LOSS where it is gone, FAILED_PRECONDITION where something is mounted over it
 */
export function requireVolumeData(pool: Pool, { id, kind }: Pick<VolumeRecord, 'id' | 'kind'>): string {
  return requireData(pool, pool.volumePath(id), `volume ${id}`, kind)
}

/** The same for a snapshot. */
export function requireSnapshotData(pool: Pool, { id, kind }: Pick<SnapshotRecord, 'id' | 'kind'>): string {
  return requireData(pool, pool.snapshotPath(id), `snapshot ${id}`, kind)
}

function requireData(pool: Pool, path: string, what: string, kind: 'mount' | 'block'): string {
  const cover = mountAt(path, readMountTable())
  if (cover !== undefined) throw failedPrecondition(`${what} is ${describeCover(cover)}: unmount that first`)
  if (!pool.hasData(path, kind)) {
    throw dataLoss(
      `the data of ${what} is gone from the pool: put it back at ${path}, or delete the ${what.split(' ')[0]}`,
    )
  }
  return path
}

/** Whether something is mounted on the data, or in it. */
export function isDataCovered(path: string): boolean {
  return readMountTable().some(({ mountPoint }) => isAtOrBelow(mountPoint, path))
}

function describeCover({ fsType, mountPoint }: Mount): string {
  return `covered by a mount of ${fsType} at ${mountPoint}`
}

/** Of volumes on which or in which something is mounted: by ID, what that is. */
export function findCovers(pool: Pool): Map<string, string> {
  const covers = new Map<string, string>()
  const top = pool.volumesDirectory
  for (const mount of readMountTable()) {
    if (mount.mountPoint === top || !isAtOrBelow(mount.mountPoint, top)) continue
    const [id = ''] = mount.mountPoint.slice(top.length + 1).split('/')
    covers.set(id, describeCover(mount))
  }
  return covers
}
