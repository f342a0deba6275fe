import type { ControllerPublishVolumeRequest__Output } from '../csi/generated/csi/v1/ControllerPublishVolumeRequest.ts'
import type { ControllerUnpublishVolumeRequest__Output } from '../csi/generated/csi/v1/ControllerUnpublishVolumeRequest.ts'
import type { DriverContext } from './driver-context.ts'
import { alreadyExists, failedPrecondition, invalidArgument, notFound } from './driver-error.ts'
import { detachLoopDevices } from './loop-devices.ts'
import { fingerprintCapability, parseCapability, unsupportedReason } from './volume-capability.ts'
import { findVolume, getVolume } from './volume-lookup.ts'
import { isPublished } from './volume-use.ts'

/** ControllerPublishVolume: to the one node there is. The node's part finds what was granted in the record. */
export async function attachVolume(
  context: DriverContext,
  request: ControllerPublishVolumeRequest__Output,
): Promise<{ publishContext: Record<string, string> }> {
  const { pool, locks } = context
  const { volumeId: id, nodeId: nodeID, readonly } = request
  if (id === '') throw invalidArgument('volume_id is required')
  if (nodeID === '') throw invalidArgument('node_id is required')
  const capability = parseCapability(request.volumeCapability)
  getVolume(pool, id)
  if (nodeID !== context.nodeID) {
    throw notFound(`there is no node ${JSON.stringify(nodeID)}; this machine is ${context.nodeID}`)
  }
  const release = locks.acquire(`volume:${id}`, 'exclusive', `an operation is pending for volume ${id}`)
  try {
    const volume = getVolume(pool, id)
    const reason =
      capability.kind === volume.kind
        ? unsupportedReason(capability, context)
        : `volume ${id} is a ${volume.kind} volume`
    if (reason !== undefined) throw invalidArgument(reason)
    if (readonly && context.publishMethod === 'symlink') {
      throw failedPrecondition('this process may not mount, so it cannot enforce a read-only publication')
    }
    const fingerprint = fingerprintCapability(capability)
    const present = volume.attachments.find((attachment) => attachment.nodeID === nodeID)
    if (present === undefined) {
      const attachments = [...volume.attachments, { nodeID, readonly, fingerprint }]
      await pool.volumes.save({ ...volume, attachments })
    } else if (present.readonly !== readonly || present.fingerprint !== fingerprint) {
      const how = present.readonly ? 'read-only' : 'writable'
      throw alreadyExists(`volume ${id} is published to ${nodeID} already, ${how} or with another capability`)
    }
    return { publishContext: {} }
  } finally {
    release()
  }
}

/** ControllerUnpublishVolume: what is not published is done; what a workload still sees is refused. */
export async function detachVolume(
  context: DriverContext,
  { volumeId: id, nodeId: nodeID }: ControllerUnpublishVolumeRequest__Output,
): Promise<Record<string, never>> {
  const { pool, locks } = context
  if (id === '') throw invalidArgument('volume_id is required')
  const isWanted = (attachment: { nodeID: string }) => nodeID === '' || attachment.nodeID === nodeID
  if (findVolume(pool, id) === undefined) return {}
  const release = locks.acquire(`volume:${id}`, 'exclusive', `an operation is pending for volume ${id}`)
  try {
    const volume = findVolume(pool, id)
    if (volume === undefined || !volume.attachments.some(isWanted)) return {}
    for (const publication of volume.publications) {
      if (!(await isPublished(pool, volume, publication))) continue
      throw failedPrecondition(
        `volume ${id} is still published at ${publication.path}: NodeUnpublishVolume comes first`,
      )
    }
    // Publications that the machine forgot, by a restart, end here with their attachment.
    if (volume.kind === 'block') await detachLoopDevices(context.files, pool.volumePath(id))
    const attachments = volume.attachments.filter((attachment) => !isWanted(attachment))
    const detached = { ...volume, attachments, stagings: [], publications: [] }
    await pool.ballast.withRoom(() => pool.volumes.save(detached, { mayLag: true }))
    return {}
  } finally {
    release()
  }
}
