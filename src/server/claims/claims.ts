import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { errorMessage } from '../../lib/errors.ts'
import { stringifyJSON } from '../../lib/json.ts'
import type { AccessMode, AttachmentMode } from '../../wire/volume.ts'
import type { ServerContext } from '../context.ts'
import { badRequest, conflict, notFound, unavailable } from '../errors.ts'
import { holdVolumes } from '../hold-volumes.ts'
import { claimsOf } from '../state/claims-of.ts'
import { claimsOfExternal } from '../state/external-volume.ts'
import { type ClaimMode, type ClaimRecord, isLive, type VolumeRecord, volumeKey } from '../state/records.ts'
import { planClaim } from './plan-claim.ts'
import { publishClaim } from './publish-claim.ts'
import { releaseAttachment, releaseClaim } from './release-claim.ts'
import { storeClaim } from './store-claim.ts'

export interface ClaimRequest {
  readonly namespace: string
  readonly volumeID: string
  readonly mode: ClaimMode
  readonly targetPath: string
  readonly accessMode: AccessMode | ''
  readonly attachmentMode: AttachmentMode | ''
}

/**
 * Claims a volume for this machine and publishes it at a path. If a step fails, the steps before it are undone. If that
 * fails too, the claim stays as a `failed` allocation, which Detach frees. @throws ApiError
 */
export async function takeClaim(context: ServerContext, request: ClaimRequest): Promise<ClaimRecord> {
  const { state, plugins, mounts, newID } = context
  const place = { namespace: request.namespace, id: request.volumeID }
  return await holdVolumes(context, [place], async () => {
    const volume = requireVolume(context, request.namespace, request.volumeID)
    requireNoDelete(context, volume)
    const others = claimsOfExternal(state, volume)
    const plan = planClaim(volume, others, request)
    if (plan.type === 'refuse') throw conflict(`volume "${volume.id}": ${plan.reason}`)
    const plugin = plugins.live(volume.pluginID)
    if (plugin.record.node === undefined) throw unavailable('volume is currently unschedulable')
    const targetPath = mounts.prepareTarget(request.targetPath)
    const holder = state.csi_claims.list().find((claim) => claim.targetPath === targetPath)
    if (holder !== undefined) throw conflict(`${targetPath} is taken by volume "${holder.volumeID}"`)
    mounts.requireNoLink(targetPath)
    const { accessMode, attachmentMode } = plan.capability
    const claim = storeClaim(state, {
      id: newID(),
      namespace: volume.namespace,
      volumeID: volume.id,
      nodeID: state.nodeID,
      mode: request.mode,
      clientStatus: 'pending',
      clientDescription: '',
      phase: 'taken',
      targetPath,
      stagingPath: plugin.record.node.RequiresNodeStageVolume
        ? stagingPath(mounts.stagingRoot, volume, others)
        : '',
      accessMode,
      attachmentMode,
    })
    try {
      return await publishClaim(context, plugin, volume, claim)
    } catch (error) {
      // When the server ends meanwhile, the next start undoes the pending claim.
      if (!plugin.call.signal?.aborted) await undoClaim(context, claim.id, errorMessage(error))
      throw error
    }
  })
}

/**
 * Where an external volume is staged on this node: at one path, whoever claims it (CSI, NodeStageVolume: "only one
 * staging_target_path per volume"; Nomad has one for each usage). The hash keeps IDs from being paths.
 */
function stagingPath(root: string, volume: VolumeRecord, claims: readonly ClaimRecord[]): string {
  const staged = claims.find((claim) => claim.stagingPath !== '')
  if (staged !== undefined) return staged.stagingPath
  const context = Object.entries(volume.context).sort(([one], [other]) => (one < other ? -1 : 1))
  const name = stringifyJSON([volume.pluginID, volume.externalID, context])
  return join(root, createHash('sha256').update(name).digest('hex').slice(0, 20))
}

/** Undoes a claim that its client never got an answer for. Never rejects. */
async function undoClaim(context: ServerContext, claimID: string, why: string): Promise<void> {
  const { state, log } = context
  const claim = state.csi_claims.get(claimID)
  if (claim === undefined) return
  try {
    await releaseClaim(context, claim)
  } catch (error) {
    log.warn({ claim: claimID, volume: claim.volumeID, reason: errorMessage(error) }, 'claim left behind')
    tryStoreClaim(context, claim, { clientStatus: 'failed', clientDescription: why })
  }
}

/** As storeClaim, for callers that cannot report a failure. The log has it, and the claim stays as it was. */
function tryStoreClaim(
  { state, log }: ServerContext,
  claim: ClaimRecord,
  change: Partial<ClaimRecord>,
): void {
  try {
    storeClaim(state, { ...(state.csi_claims.get(claim.id) ?? claim), ...change })
  } catch (error) {
    const reason = errorMessage(error)
    log.error({ claim: claim.id, volume: claim.volumeID, reason }, 'state of the claim is not stored')
  }
}

/** Unpublishes and drops a claim. @throws ApiError 404, or what the plugin said */
export async function endClaim(
  context: ServerContext,
  namespace: string,
  volumeID: string,
  claimID: string,
): Promise<void> {
  const { state } = context
  await holdVolumes(context, [{ namespace, id: volumeID }], async () => {
    const claim = state.csi_claims.get(claimID)
    if (claim === undefined || claim.namespace !== namespace || claim.volumeID !== volumeID) {
      throw notFound(`claim not found: ${claimID}`)
    }
    await releaseClaim(context, claim)
  })
}

/**
 * Detach: frees the claims on a node whose allocations have ended. If no claim is left there, the volume is detached
 * from the node. A living claim is never taken away.
 * @throws ApiError 404 without such a volume or node, 409 where an allocation lives there
 */
export async function detachNode(
  context: ServerContext,
  namespace: string,
  volumeID: string,
  nodeID: string,
): Promise<void> {
  const { state } = context
  if (nodeID === '') throw badRequest('detach requires node ID')
  await holdVolumes(context, [{ namespace, id: volumeID }], async () => {
    const volume = requireVolume(context, namespace, volumeID)
    const claims = claimsOf(state, volume).filter((claim) => claim.nodeID === nodeID)
    if (claims.length === 0 && nodeID !== state.nodeID) throw notFound(`no node with ID "${nodeID}"`)
    const living = claims.filter(isLive)
    if (living.length > 0) {
      const ids = living.map(({ id }) => id).join(', ')
      throw conflict(`volume in use: ${volumeID}: allocation ${ids} runs on node ${nodeID}`)
    }
    for (const claim of claims) await releaseClaim(context, claim)
    if (claims.length === 0) await releaseAttachment(context, volume)
  })
}

/**
 * At the start: a claim without a mount becomes `lost`. A claim that was being taken when the process ended is undone,
 * because its client got no answer.
 */
export async function recoverClaims(context: ServerContext): Promise<void> {
  const { state, mounts } = context
  for (const claim of state.csi_claims.list().filter(({ clientStatus }) => clientStatus === 'running')) {
    if (mounts.isPublished(claim.targetPath)) continue
    tryStoreClaim(context, claim, {
      clientStatus: 'lost',
      clientDescription: `nothing is mounted at ${claim.targetPath} any more`,
    })
  }
  const unfinished = state.csi_claims.list().filter(({ clientStatus }) => clientStatus === 'pending')
  await Promise.all(
    unfinished.map((claim) =>
      holdVolumes(context, [{ namespace: claim.namespace, id: claim.volumeID }], () =>
        undoClaim(context, claim.id, 'the server ended while the volume was being claimed'),
      ),
    ),
  )
}

/** Nobody knows yet whether a delete that was cut short was carried out. */
function requireNoDelete({ state }: ServerContext, { namespace, id }: VolumeRecord) {
  if (state.csi_deletes.get(volumeKey(namespace, id)) === undefined) return
  throw conflict(
    `volume "${id}" is being deleted: the server still finishes a delete that was cut short; deregister the volume to stop that`,
  )
}

function requireVolume({ state }: ServerContext, namespace: string, id: string): VolumeRecord {
  const volume = state.csi_volumes.get(volumeKey(namespace, id))
  if (volume === undefined) throw notFound(`no such volume "${id}"`)
  return volume
}
