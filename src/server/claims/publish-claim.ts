import { status } from '@grpc/grpc-js'
import { PluginError } from '../../csi/plugin-error.ts'
import type { ServerContext } from '../context.ts'
import { pluginFailure } from '../plugins/plugin-failure.ts'
import type { LivePlugin } from '../plugins/registry.ts'
import type { ClaimRecord, StringMap, VolumeRecord } from '../state/records.ts'
import { toCsiCapability } from '../volumes/csi-requests.ts'
import { storeClaim } from './store-claim.ts'

/**
 * Publishes a stored claim: ControllerPublish, NodeStage and NodePublish, those that the plugin has. The phase is stored
 * before each call, so the release knows which calls may have been made.
 * @throws ApiError what the plugin said; the claim is then still stored, in the phase it reached
 */
export async function publishClaim(
  { state, mounts }: ServerContext,
  { record, client, call }: LivePlugin,
  volume: VolumeRecord,
  claim: ClaimRecord,
): Promise<ClaimRecord> {
  let current = claim
  const enter = (change: Partial<ClaimRecord>) => {
    current = storeClaim(state, { ...current, ...change })
  }
  const shared = {
    volumeId: volume.externalID,
    volumeCapability: toCsiCapability(claim, volume.mountOptions),
    secrets: volume.secrets,
    volumeContext: volume.context,
  }
  const readonly = claim.mode === 'read'
  try {
    let publishContext: StringMap = {}
    if (record.controller?.SupportsAttachDetach) {
      enter({ phase: 'attaching' })
      const attached = await client.controllerPublishVolume(
        {
          ...shared,
          nodeId: record.node?.ID ?? '',
          readonly: readonly && record.controller.SupportsReadOnlyAttach,
        },
        call,
      )
      publishContext = attached.publishContext
    }
    if (claim.stagingPath !== '') {
      enter({ phase: 'staging' })
      mounts.makeStaging(claim.stagingPath)
      await client.nodeStageVolume({ ...shared, publishContext, stagingTargetPath: claim.stagingPath }, call)
    }
    enter({ phase: 'publishing' })
    await client.nodePublishVolume(
      {
        ...shared,
        publishContext,
        stagingTargetPath: claim.stagingPath,
        targetPath: claim.targetPath,
        readonly,
      },
      call,
    )
    enter({ phase: 'published', clientStatus: 'running' })
    return current
  } catch (error) {
    if (error instanceof PluginError && error.code === status.RESOURCE_EXHAUSTED) markExhausted(state, volume)
    throw pluginFailure(error, {
      operation: `could not claim volume "${volume.id}" (${current.phase})`,
      statuses: { [status.FAILED_PRECONDITION]: 409 },
    })
  }
}

/** The node takes no more volumes of this plugin: readers see since when. */
function markExhausted(state: ServerContext['state'], volume: VolumeRecord) {
  const stored = state.csi_volumes.get(`${volume.namespace}/${volume.id}`)
  if (stored === undefined) return
  state.write(({ put, index, nowMs }) =>
    put('csi_volumes', { ...stored, resourceExhaustedMs: nowMs, modifyIndex: index, modifyTimeMs: nowMs }),
  )
}
