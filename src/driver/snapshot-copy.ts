import { delay } from '../lib/clock.ts'
import { errorMessage } from '../lib/errors.ts'
import { copyData, measureBytes } from './copy-data.ts'
import type { DriverContext } from './driver-context.ts'
import { isLive, refuseIfWritten } from './live-copy.ts'
import type { Release } from './operation-locks.ts'
import type { SnapshotRecord, VolumeRecord } from './records.ts'
import { removeFailedCopy } from './settle.ts'
import { requireVolumeData } from './volume-data.ts'

/** A volume that stays as it is while it is copied. */
export interface HeldVolume {
  readonly volume: VolumeRecord
  readonly release: Release
}

/**
 * Holds a volume for a snapshot: until the release it cannot go away, nor be published for writing unless
 * the copy may be live.
 * @throws DriverError ABORTED while something else is at work on it, FAILED_PRECONDITION while a workload may
 * write to it and the copy may not be live or something covers it, DATA_LOSS where its data is gone
 */
export function holdForSnapshot(context: DriverContext, volume: VolumeRecord, live: boolean): HeldVolume {
  const { pool, locks } = context
  requireVolumeData(pool, volume)
  refuseIfWritten(context, volume, 'a snapshot', live)
  return { volume, release: holdSource(locks, volume.id, live) }
}

function holdSource(locks: DriverContext['locks'], volumeID: string, live: boolean): Release {
  const keys = [`existence:${volumeID}`, ...(live ? [] : [`content:${volumeID}`])]
  const releases: Release[] = []
  const release = () => {
    for (const releaseKey of releases) releaseKey()
  }
  try {
    for (const key of keys) {
      releases.push(locks.acquire(key, 'shared', `volume ${volumeID} is being changed`))
    }
    return release
  } catch (error) {
    release()
    throw error
  }
}

/** What a snapshot of the volume will take at most, as the volume is now. */
export function measureSource({ pool, tasks }: DriverContext, { volume }: HeldVolume): Promise<number> {
  return measureBytes(pool.volumePath(volume.id), tasks.signal)
}

/**
 * Records a snapshot whose `usedBytes` are reserved in the ledger, and begins its copy. The inner promise
 * settles with the copy, and `release` is called then.
 */
export async function startCopy(
  context: DriverContext,
  snapshot: SnapshotRecord,
  release: Release,
): Promise<{ copied: Promise<void> }> {
  const { pool, ledger, locks, tasks, log } = context
  const { id } = snapshot
  const unlock = locks.acquire(`snapshot:${id}`, 'shared', `snapshot ${id} is being changed`)
  try {
    await pool.snapshots.save(snapshot)
  } catch (error) {
    unlock()
    throw error
  }
  const copied = copySnapshot(context, snapshot)
    .catch(async (error: unknown) => {
      // A driver that is told to stop takes the copy up again at its next start.
      if (!tasks.signal.aborted) {
        ledger.record({ holder: `snapshot:${id}`, bytes: 0 })
        log.error({ snapshot: id, error: errorMessage(error) }, 'snapshot failed')
        await removeFailedCopy(context, id).catch((reason: unknown) =>
          context.faults.set(`snapshot:${id}`, errorMessage(reason)),
        )
        await recordOutcome(context, {
          ...snapshot,
          state: 'failed',
          usedBytes: 0,
          fault: errorMessage(error),
        })
      }
      throw error
    })
    .finally(() => {
      unlock()
      release()
    })
  // Its failure is logged above, and told to the caller if that still waits.
  tasks.track(
    'copy snapshot',
    copied.catch(() => undefined),
  )
  return { copied }
}

async function copySnapshot(context: DriverContext, snapshot: SnapshotRecord): Promise<void> {
  const { pool, ledger, trash, log, tasks } = context
  const { id, sourceVolumeID } = snapshot
  const path = pool.snapshotPath(id)
  const holder = `snapshot:${id}` as const
  let usedBytes: number
  // It is there already where a crash came between the rename and the record.
  if (pool.hasData(path, snapshot.kind)) {
    usedBytes = await measureBytes(path, tasks.signal)
    ledger.record({ holder, bytes: usedBytes })
  } else {
    const staging = pool.stagingPath(id)
    try {
      await copyData(context, pool.volumePath(sourceVolumeID), staging, tasks.signal)
      // A volume that is written to may have grown since it was measured.
      usedBytes = await measureBytes(staging, tasks.signal)
      ledger.reserve([{ holder, bytes: usedBytes }])
      await pool.revealSnapshot(staging, id)
      await pool.snapshots.syncDirectory()
    } catch (error) {
      trash.add(staging)
      throw error
    }
  }
  // A directory that nobody promised a size needs at least what is in it.
  const sizeBytes = snapshot.sizeBytes === 0 ? usedBytes : snapshot.sizeBytes
  await recordOutcome(context, { ...snapshot, state: 'ready', usedBytes, sizeBytes })
  log.info({ snapshot: id, volume: sourceVolumeID, usedBytes }, 'snapshot ready')
}

/** How long a disk that takes no record is left alone. */
const recordAgainMs = 1_000

/**
 * Records how a copy ended, however often that takes. The volume is held until then: were it deleted under a
 * record that says `copying`, the next start would copy another volume of its name in its place.
 */
async function recordOutcome(
  { pool, tasks, clock, log }: DriverContext,
  snapshot: SnapshotRecord,
): Promise<void> {
  for (;;) {
    try {
      return await pool.ballast.withRoom(() => pool.snapshots.save(snapshot, { mayLag: true }))
    } catch (error) {
      if (tasks.signal.aborted) throw error
      const reason = errorMessage(error)
      log.warn(
        { snapshot: snapshot.id, error: reason },
        'the end of a copy is not recorded yet: again in a second',
      )
      await delay(clock, recordAgainMs, tasks.signal)
    }
  }
}

/**
 * Takes up a copy that the last process did not finish. The volume has not been written to since, as a
 * writable publication is refused while the record says `copying`.
 */
export async function resumeCopy(context: DriverContext, snapshot: SnapshotRecord): Promise<void> {
  const release = holdSource(context.locks, snapshot.sourceVolumeID, isLive(snapshot.parameters))
  try {
    await startCopy(context, snapshot, release)
  } catch (error) {
    release()
    throw error
  }
}
