import { status } from '@grpc/grpc-js'
import { PluginError } from '../../csi/plugin-error.ts'
import type { ServerContext } from '../context.ts'
import { pluginFailure } from '../plugins/plugin-failure.ts'
import { claimsOfHandle } from '../state/external-volume.ts'
import {
  type ClaimPhase,
  type ClaimRecord,
  claimPhases,
  type VolumeRecord,
  volumeKey,
} from '../state/records.ts'
import { removeClaim, storeClaim } from './store-claim.ts'

/**
 * Undoes a claim and drops it, in the order that CSI demands: NodeUnpublish, NodeUnstage, ControllerUnpublish. The
 * stored phase says which of these are needed, and each one is stored when it is done. A staging or an attachment that
 * another claim uses stays. May be repeated. The caller holds the volume.
 * @throws ApiError what the plugin said; the claim is then still stored
 */
export async function releaseClaim(
  { state, plugins, mounts }: ServerContext,
  claim: ClaimRecord,
): Promise<void> {
  const volume = state.csi_volumes.get(volumeKey(claim.namespace, claim.volumeID))
  if (volume === undefined) return removeClaim(state, claim)
  const { record, client, call } = plugins.live(volume.pluginID)
  const others = claimsOfHandle(state, volume).filter(({ id }) => id !== claim.id)
  const volumeId = volume.externalID
  let current = claim
  const leave = (phase: ClaimPhase) => {
    current = storeClaim(state, { ...current, phase })
  }
  try {
    if (hasReached(current, 'publishing')) {
      await goneIsFine(client.nodeUnpublishVolume({ volumeId, targetPath: claim.targetPath }, call))
      leave('staging')
    }
    if (hasReached(current, 'staging')) {
      const isShared = others.some(
        (other) => other.stagingPath === claim.stagingPath && hasReached(other, 'staging'),
      )
      if (claim.stagingPath !== '' && !isShared) {
        const stagingTargetPath = claim.stagingPath
        await goneIsFine(client.nodeUnstageVolume({ volumeId, stagingTargetPath }, call))
        mounts.removeStaging(stagingTargetPath)
      }
      leave('attaching')
    }
    if (record.controller?.SupportsAttachDetach && hasReached(current, 'attaching')) {
      const isShared = others.some((other) => other.nodeID === claim.nodeID && hasReached(other, 'attaching'))
      if (!isShared) {
        const nodeId = record.node?.ID ?? ''
        await goneIsFine(
          client.controllerUnpublishVolume({ volumeId, nodeId, secrets: volume.secrets }, call),
        )
      }
    }
  } catch (error) {
    throw pluginFailure(error, {
      operation: `could not release volume "${volume.id}" (${current.phase})`,
      statuses: { [status.FAILED_PRECONDITION]: 409 },
    })
  }
  removeClaim(state, current)
}

/**
 * Takes a volume off this node that no claim holds there: what somebody published behind our back, or the rest of a
 * claim that was lost. Nothing where the plugin does not publish, or where the external volume is claimed under
 * another ID. The volume's lock is held by the caller. @throws ApiError what the plugin said
 */
export async function releaseAttachment(
  { state, plugins }: ServerContext,
  volume: VolumeRecord,
): Promise<void> {
  const { record, client, call } = plugins.live(volume.pluginID)
  if (!record.controller?.SupportsAttachDetach) return
  if (claimsOfHandle(state, volume).length > 0) return
  const { externalID: volumeId, secrets } = volume
  try {
    await goneIsFine(
      client.controllerUnpublishVolume({ volumeId, nodeId: record.node?.ID ?? '', secrets }, call),
    )
  } catch (error) {
    throw pluginFailure(error, {
      operation: `could not detach volume "${volume.id}"`,
      statuses: { [status.FAILED_PRECONDITION]: 409 },
    })
  }
}

const hasReached = (claim: ClaimRecord, phase: ClaimPhase) =>
  claimPhases.indexOf(claim.phase) >= claimPhases.indexOf(phase)

/** NOT_FOUND means that there is nothing to undo. */
async function goneIsFine(call: Promise<unknown>): Promise<void> {
  try {
    await call
  } catch (error) {
    if (!(error instanceof PluginError) || error.code !== status.NOT_FOUND) throw error
  }
}
