import type { NodePublishVolumeRequest__Output } from '../csi/generated/csi/v1/NodePublishVolumeRequest.ts'
import type { NodeStageVolumeRequest__Output } from '../csi/generated/csi/v1/NodeStageVolumeRequest.ts'
import type { NodeUnpublishVolumeRequest__Output } from '../csi/generated/csi/v1/NodeUnpublishVolumeRequest.ts'
import type { NodeUnstageVolumeRequest__Output } from '../csi/generated/csi/v1/NodeUnstageVolumeRequest.ts'
import type { DriverContext } from './driver-context.ts'
import { alreadyExists, failedPrecondition, invalidArgument } from './driver-error.ts'
import { detachLoopDevices, ensureLoopDevice } from './loop-devices.ts'
import { publishTarget, unpublishTarget } from './publish-target.ts'
import type { VolumeRecord } from './records.ts'
import { canonicalPath, checkTargetPath } from './target-path.ts'
import {
  type Capability,
  fingerprintCapability,
  isReadOnlyMode,
  parseCapability,
  unsupportedReason,
} from './volume-capability.ts'
import { requireVolumeData } from './volume-data.ts'
import { getVolume } from './volume-lookup.ts'
import { sourceOf } from './volume-use.ts'

type Empty = Record<string, never>

type ChangeOfVolume = [
  change: (volume: VolumeRecord, save: (volume: VolumeRecord) => Promise<void>) => Promise<VolumeRecord>,
  options?: { readonly isEnding?: boolean },
]

/**
 * NodeStageVolume: records who stages the volume, and checks that it can be used so. There is nothing to
 * put at the path. Unstaging is where the loop devices of a block volume end.
 */
export async function stageVolume(
  context: DriverContext,
  request: NodeStageVolumeRequest__Output,
): Promise<Empty> {
  const { volumeId: id } = request
  if (id === '') throw invalidArgument('volume_id is required')
  const path = await requirePath('staging_target_path', request.stagingTargetPath)
  const capability = parseCapability(request.volumeCapability)
  return changeVolume(context, id, async (volume) => {
    checkUsable(context, volume, capability)
    const fingerprint = fingerprintCapability(capability)
    const present = volume.stagings.find((staging) => staging.path === path)
    if (present === undefined) return { ...volume, stagings: [...volume.stagings, { path, fingerprint }] }
    if (present.fingerprint === fingerprint) return volume
    throw alreadyExists(`volume ${id} is staged at ${path} with another capability`)
  })
}

/** NodeUnstageVolume: what is not staged there is done. */
export async function unstageVolume(
  context: DriverContext,
  { volumeId: id, stagingTargetPath }: NodeUnstageVolumeRequest__Output,
): Promise<Empty> {
  if (id === '') throw invalidArgument('volume_id is required')
  const path = await requirePath('staging_target_path', stagingTargetPath)
  const end = async (volume: VolumeRecord) => {
    if (!volume.stagings.some((staging) => staging.path === path)) return volume
    const stagings = volume.stagings.filter((staging) => staging.path !== path)
    const [publication] = volume.publications
    if (stagings.length === 0 && publication !== undefined) {
      throw failedPrecondition(`volume ${id} is still published at ${publication.path}`)
    }
    if (stagings.length === 0 && volume.kind === 'block') {
      await detachLoopDevices(context.files, context.pool.volumePath(id))
    }
    return { ...volume, stagings }
  }
  return changeVolume(context, id, end, { isEnding: true })
}

/**
 * NodePublishVolume. The record is written before anything appears at the path, so that whatever a crash
 * leaves there is known, and is taken away or made whole by the next call.
 */
export async function publishVolume(
  context: DriverContext,
  request: NodePublishVolumeRequest__Output,
): Promise<Empty> {
  const { pool, files, locks, publishMethod: method } = context
  const { volumeId: id, stagingTargetPath } = request
  if (id === '') throw invalidArgument('volume_id is required')
  const path = await requirePath('target_path', request.targetPath)
  const stagedAt = stagingTargetPath && (await canonicalPath('staging_target_path', stagingTargetPath))
  const capability = parseCapability(request.volumeCapability)
  return changeTarget(context, { id, path }, async (volume, save) => {
    if (!volume.stagings.some((staging) => staging.path === stagedAt)) {
      throw failedPrecondition(`volume ${id} is not staged at ${JSON.stringify(stagingTargetPath)}`)
    }
    checkUsable(context, volume, capability)
    await checkTargetPath('target_path', path, pool.directory)
    const publication = {
      path,
      method,
      accessMode: capability.accessMode,
      fingerprint: fingerprintCapability(capability),
      readonly: isReadOnly(context, volume, capability, request.readonly),
    }
    const published = addPublication(volume, publication)
    // A writer must not come up while a copy that is to be of one moment is being made.
    const release = publication.readonly
      ? undefined
      : locks.acquire(`content:${id}`, 'exclusive', `volume ${id} is being copied`)
    try {
      if (published !== volume) await save(published)
    } finally {
      release?.()
    }
    try {
      const isDevice = volume.kind === 'block'
      const data = pool.volumePath(id)
      const source = {
        path: isDevice ? await ensureLoopDevice(files, data, publication.readonly) : data,
        isDevice,
      }
      await publishTarget(files, source, publication, capability.mountFlags)
    } catch (error) {
      await save(volume)
      throw error
    }
    return published
  })
}

/** NodeUnpublishVolume: what is not published there is done. */
export async function unpublishVolume(
  context: DriverContext,
  { volumeId: id, targetPath }: NodeUnpublishVolumeRequest__Output,
): Promise<Empty> {
  if (id === '') throw invalidArgument('volume_id is required')
  const path = await requirePath('target_path', targetPath)
  const end = async (volume: VolumeRecord) => {
    const publication = volume.publications.find((present) => present.path === path)
    if (publication === undefined) return volume
    const source = await sourceOf(context.pool, volume, publication)
    await unpublishTarget(context.files, source, publication)
    return { ...volume, publications: volume.publications.filter((present) => present !== publication) }
  }
  return changeTarget(context, { id, path }, end, { isEnding: true })
}

/** Changes what is to be seen at a path, where two volumes must not come at once, together with the record. */
async function changeTarget(
  context: DriverContext,
  { id, path }: { readonly id: string; readonly path: string },
  ...change: ChangeOfVolume
): Promise<Empty> {
  const busy = `another call is at work on ${path}`
  const release = context.locks.acquire(`target:${path}`, 'exclusive', busy)
  try {
    return await changeVolume(context, id, ...change)
  } finally {
    release()
  }
}

async function requirePath(field: string, path: string): Promise<string> {
  if (path === '') throw invalidArgument(`${field} is required`)
  return canonicalPath(field, path)
}

/**
 * Runs a change of one volume's record, alone. The record is saved where the change gives another one. What
 * ends a use (`isEnding`) works on a full file system, too, as a delete needs it.
 */
async function changeVolume(
  { pool, locks }: DriverContext,
  id: string,
  ...[change, { isEnding = false } = {}]: ChangeOfVolume
): Promise<Empty> {
  getVolume(pool, id)
  const release = locks.acquire(`volume:${id}`, 'exclusive', `an operation is pending for volume ${id}`)
  try {
    let saved = getVolume(pool, id)
    const save = async (volume: VolumeRecord) => {
      if (isEnding) await pool.ballast.withRoom(() => pool.volumes.save(volume, { mayLag: true }))
      else await pool.volumes.save(volume)
      saved = volume
    }
    const changed = await change(saved, save)
    if (changed !== saved) await save(changed)
    return {}
  } finally {
    release()
  }
}

function checkUsable(context: DriverContext, volume: VolumeRecord, capability: Capability): void {
  const reason =
    capability.kind === volume.kind
      ? unsupportedReason(capability, context)
      : `volume ${volume.id} is a ${volume.kind} volume`
  if (reason !== undefined) throw failedPrecondition(reason)
  requireVolumeData(context.pool, volume)
}

function isReadOnly(
  { nodeID }: DriverContext,
  volume: VolumeRecord,
  { accessMode, mountFlags }: Capability,
  isAsked: boolean,
): boolean {
  const isGranted = volume.attachments.some(
    (attachment) => attachment.nodeID === nodeID && attachment.readonly,
  )
  return isAsked || isGranted || isReadOnlyMode(accessMode) || mountFlags.includes('ro')
}

function addPublication(volume: VolumeRecord, wanted: VolumeRecord['publications'][number]): VolumeRecord {
  const present = volume.publications.find(({ path }) => path === wanted.path)
  if (present !== undefined) {
    const isSame =
      present.readonly === wanted.readonly &&
      present.accessMode === wanted.accessMode &&
      present.fingerprint === wanted.fingerprint
    if (isSame) return volume
    throw alreadyExists(`volume ${volume.id} is published at ${wanted.path} in another way`)
  }
  const single = [wanted, ...volume.publications].find(
    ({ accessMode }) => accessMode === 'SINGLE_NODE_SINGLE_WRITER',
  )
  const [other] = volume.publications
  if (single !== undefined && other !== undefined) {
    throw failedPrecondition(`volume ${volume.id} is for one workload, and is published at ${other.path}`)
  }
  return { ...volume, publications: [...volume.publications, wanted] }
}
