import { status } from '@grpc/grpc-js'
import type { ServerContext } from '../context.ts'
import { conflict, notFound, unprocessable } from '../errors.ts'
import { pluginFailure } from '../plugins/plugin-failure.ts'
import { claimsOf } from '../state/claims-of.ts'
import { type ClaimRecord, isLive, type StringMap, type VolumeRecord, volumeKey } from '../state/records.ts'

/**
 * Deregister: drops the record and leaves the external volume. With `force` a volume may go whose claims'
 * allocations have all ended. @throws ApiError 404, 409
 */
export async function deregisterVolume(
  { state, lock }: ServerContext,
  namespace: string,
  id: string,
  force: boolean,
): Promise<void> {
  const key = volumeKey(namespace, id)
  await lock([key], async () => {
    const volume = requireVolume(state, namespace, id)
    requireUnused(state, volume, force ? isLive : () => true)
    removeRecord(state, volume)
  })
}

/**
 * Delete: deletes the external volume, then drops the record. Claims are checked first: a volume in use never
 * reaches the plugin. The volume's lock is held throughout, so no claim can come in between.
 * @throws ApiError 404, 409, or what the plugin said
 */
export async function deleteVolume(
  { state, lock, plugins }: ServerContext,
  namespace: string,
  id: string,
  headerSecrets: StringMap,
): Promise<void> {
  const key = volumeKey(namespace, id)
  await lock([key], async () => {
    const volume = requireVolume(state, namespace, id)
    requireUnused(state, volume, () => true)
    const other = state.csi_volumes
      .list()
      .find(
        (candidate) =>
          candidate !== volume &&
          candidate.pluginID === volume.pluginID &&
          candidate.externalID === volume.externalID,
      )
    if (other !== undefined) {
      throw conflict(
        `volume in use: ${id}: its external volume is also registered as "${other.id}" in namespace ${other.namespace}`,
      )
    }
    const { record, client, call } = plugins.live(volume.pluginID)
    if (!record.controller?.SupportsCreateDelete) {
      throw unprocessable(`plugin "${volume.pluginID}" does not support deleting volumes`)
    }
    try {
      await client.deleteVolume(
        {
          volumeId: volume.externalID,
          secrets: { ...volume.secrets, ...headerSecrets },
        },
        call,
      )
    } catch (error) {
      throw pluginFailure(error, {
        operation: 'controller delete volume: CSI.ControllerDeleteVolume',
        meanings: {
          [status.FAILED_PRECONDITION]: `volume "${volume.externalID}" is in use`,
          [status.INTERNAL]: 'controller plugin returned an internal error',
        },
        statuses: { [status.FAILED_PRECONDITION]: 409 },
      })
    }
    removeRecord(state, volume)
  })
}

function requireVolume(state: ServerContext['state'], namespace: string, id: string): VolumeRecord {
  const key = volumeKey(namespace, id)
  const volume = state.csi_volumes.get(key)
  if (volume !== undefined) return volume
  if (state.csi_creates.get(key) !== undefined) throw conflict(`volume "${id}" is still being created`)
  throw notFound(`volume not found: ${id}`)
}

function requireUnused(
  state: ServerContext['state'],
  volume: VolumeRecord,
  counts: (claim: ClaimRecord) => boolean,
) {
  if (claimsOf(state, volume).some(counts)) throw conflict(`volume in use: ${volume.id}`)
}

function removeRecord(state: ServerContext['state'], volume: VolumeRecord) {
  state.write(({ remove }) => {
    for (const claim of claimsOf(state, volume)) remove('csi_claims', claim.id)
    remove('csi_volumes', volumeKey(volume.namespace, volume.id))
  })
}
