import { existsSync } from 'node:fs'
import { status } from '@grpc/grpc-js'
import type { CreateVolumeGroupSnapshotRequest__Output } from '../csi/generated/csi/v1/CreateVolumeGroupSnapshotRequest.ts'
import type { CreateVolumeGroupSnapshotResponse } from '../csi/generated/csi/v1/CreateVolumeGroupSnapshotResponse.ts'
import { delay } from '../lib/clock.ts'
import { errorMessage } from '../lib/errors.ts'
import type { DriverContext } from './driver-context.ts'
import { aborted, alreadyExists, DriverError, invalidArgument } from './driver-error.ts'
import { describeGroup, membersOf, settleGroup } from './group-snapshots.ts'
import { isLive } from './live-copy.ts'
import { checkName, chooseID } from './names.ts'
import type { GroupRecord, SnapshotRecord } from './records.ts'
import { type HeldVolume, holdForSnapshot, measureSource, startCopy } from './snapshot-copy.ts'
import { ensureNameIsKnown, getVolume } from './volume-lookup.ts'

/** A group as its name asks for it. */
interface WantedGroup {
  readonly name: string
  /** Sorted, each once. */
  readonly volumeIDs: readonly string[]
  readonly parameters: Record<string, string>
}

/**
 * CreateVolumeGroupSnapshot: one snapshot of each volume, all of one moment. No volume of the group can be
 * published for writing from before the first copy begins until the last has ended, so no write lies
 * between two of them. The group's record names its snapshots before there is any: what a crash or an
 * error leaves of a group that nobody was told of is removed by it.
 */
export async function createGroupSnapshot(
  context: DriverContext,
  request: CreateVolumeGroupSnapshotRequest__Output,
): Promise<CreateVolumeGroupSnapshotResponse> {
  const { pool, locks } = context
  const wanted = parseWanted(request)
  const failure: Failure = {}
  const release = locks.acquire(
    `group-name:${wanted.name}`,
    'exclusive',
    `a group snapshot ${JSON.stringify(wanted.name)} is pending`,
  )
  try {
    ensureNameIsKnown(pool.groups, wanted.name)
    const recorded = pool.groups.findByName(wanted.name)
    if (recorded?.state === 'deleting') {
      throw aborted(`the group snapshot ${recorded.id} of this name is still being deleted`)
    }
    if (recorded?.state === 'ready') {
      return { groupSnapshot: describeGroup(context, matchExisting(context, recorded, wanted)) }
    }
    // Under the lock of its name, one that is half made is what an error left behind.
    if (recorded !== undefined) await settleGroup(context, recorded)
    return { groupSnapshot: describeGroup(context, await makeGroup(context, wanted, failure)) }
  } finally {
    // What is left of one that failed has to be gone before the name is used again.
    if (failure.removed === undefined) release()
    else failure.removed.finally(release)
  }
}

function parseWanted(request: CreateVolumeGroupSnapshotRequest__Output): WantedGroup {
  const { name, sourceVolumeIds, parameters } = request
  checkName(name)
  if (sourceVolumeIds.length === 0) throw invalidArgument('source_volume_ids is required')
  if (new Set(sourceVolumeIds).size < sourceVolumeIds.length) {
    throw invalidArgument('source_volume_ids: a volume is there twice')
  }
  if (isLive(parameters)) {
    throw invalidArgument('parameter live: a group snapshot is of one moment, so live: allow cannot be had')
  }
  return { name, volumeIDs: [...sourceVolumeIds].sort(), parameters }
}

/** The same name again: the same group, if it is of the same volumes. */
function matchExisting(context: DriverContext, group: GroupRecord, wanted: WantedGroup): GroupRecord {
  const volumeIDs = group.members.map(({ sourceVolumeID }) => sourceVolumeID)
  const isSame = (one: unknown, other: unknown) => JSON.stringify(one) === JSON.stringify(other)
  if (!isSame(volumeIDs, wanted.volumeIDs)) {
    throw alreadyExists(`the group snapshot ${group.id} of this name is of volumes ${volumeIDs.join(', ')}`)
  }
  if (!isSame(Object.entries(group.parameters).sort(), Object.entries(wanted.parameters).sort())) {
    throw alreadyExists(`the group snapshot ${group.id} of this name has other parameters`)
  }
  const failed = membersOf(context.pool, group).find(({ state }) => state === 'failed')
  if (failed !== undefined) {
    throw new DriverError(
      status.INTERNAL,
      `the copy for snapshot ${failed.id} of the group failed: ${failed.fault}. Delete the group snapshot, and take another`,
    )
  }
  return group
}

/** Volumes that stay as they are until each is released. */
function holdAll(context: DriverContext, volumeIDs: readonly string[]): HeldVolume[] {
  const held: HeldVolume[] = []
  try {
    for (const id of volumeIDs) held.push(holdForSnapshot(context, getVolume(context.pool, id), false))
    return held
  } catch (error) {
    for (const { release } of held) release()
    throw error
  }
}

/** Where making a group failed: settles once nothing of it is left, and never rejects. */
interface Failure {
  removed?: Promise<void>
}

async function makeGroup(
  context: DriverContext,
  wanted: WantedGroup,
  failure: Failure,
): Promise<GroupRecord> {
  const { pool, ledger, tasks, clock, log } = context
  const held = holdAll(context, wanted.volumeIDs)
  const copies: Promise<void>[] = []
  let begun = 0
  let group: GroupRecord | undefined
  let undo: (() => void) | undefined
  try {
    const usedBytes = await Promise.all(held.map((volume) => measureSource(context, volume)))
    const snapshots = planSnapshots(context, wanted, held, usedBytes)
    group = {
      id: chooseID(wanted.name, (id) => pool.groups.has(id)),
      name: wanted.name,
      state: 'creating',
      createTimeMs: clock.now(),
      parameters: wanted.parameters,
      members: snapshots.map(({ id, sourceVolumeID, kind }) => ({ id, sourceVolumeID, kind })),
    }
    const { id: groupID, createTimeMs } = group
    // From the choice of the IDs to the first await nothing else runs: neither they nor the space are given twice.
    undo = ledger.reserve(
      snapshots.map(({ id, usedBytes }) => ({ holder: `snapshot:${id}`, bytes: usedBytes })),
    )
    await pool.groups.save(group)
    for (const [index, snapshot] of snapshots.entries()) {
      const release = held[index]?.release ?? (() => {})
      const { copied } = await startCopy(context, { ...snapshot, groupID, createTimeMs }, release)
      begun = index + 1
      copied.catch(() => {})
      copies.push(copied)
    }
    const ready: GroupRecord = { ...group, state: 'ready' }
    await failOrWait(context, copies)
    await pool.groups.save(ready)
    log.info({ groupSnapshot: groupID, volumes: wanted.volumeIDs }, 'group snapshot taken')
    return ready
  } catch (error) {
    // A copy that has begun lets its volume go by itself, which on a broken disk may take long.
    for (const { release } of held.slice(begun)) release()
    failure.removed = removeBroken(context, { group, copies, undo })
    tasks.track('remove a broken group snapshot', failure.removed)
    await failOrWait(context, [failure.removed])
    throw error
  }
}

async function removeBroken(
  context: DriverContext,
  {
    group,
    copies,
    undo,
  }: { group: GroupRecord | undefined; copies: Promise<void>[]; undo: (() => void) | undefined },
): Promise<void> {
  await Promise.allSettled(copies)
  undo?.()
  if (group === undefined) return
  try {
    await settleGroup(context, group)
  } catch (error) {
    // Where it cannot be removed now either, the next call of its name or the next start does it.
    const { log } = context
    log.warn({ groupSnapshot: group.id, error: errorMessage(error) }, 'a broken group snapshot is left')
  }
}

/** Rejects once a copy has failed; otherwise waits until all are done, but not for long. */
async function failOrWait({ clock, snapshotWaitMs }: DriverContext, copies: Promise<void>[]): Promise<void> {
  const waited = new AbortController()
  try {
    await Promise.race([Promise.all(copies), delay(clock, snapshotWaitMs, waited.signal)])
  } finally {
    waited.abort()
  }
}

function planSnapshots(
  { pool }: DriverContext,
  { name, parameters }: WantedGroup,
  held: readonly HeldVolume[],
  usedBytes: readonly number[],
): SnapshotRecord[] {
  const taken = new Set<string>()
  const isTaken = (id: string) => taken.has(id) || pool.snapshots.has(id) || existsSync(pool.snapshotPath(id))
  return held.map(({ volume }, index) => {
    const id = chooseID(`${name}.${volume.id}`, isTaken)
    taken.add(id)
    return {
      id,
      state: 'copying',
      kind: volume.kind,
      sourceVolumeID: volume.id,
      sizeBytes: volume.capacityBytes,
      usedBytes: usedBytes[index] ?? 0,
      createTimeMs: 0,
      parameters,
    }
  })
}
