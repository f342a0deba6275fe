import { status } from '@grpc/grpc-js'
import { PluginError } from '../../csi/plugin-error.ts'
import type { ServerContext } from '../context.ts'
import { conflict, notFound, unprocessable } from '../errors.ts'
import { holdVolumes } from '../hold-volumes.ts'
import { type Asker, leavesOpen, pluginFailure } from '../plugins/plugin-failure.ts'
import { claimsOf } from '../state/claims-of.ts'
import {
  claimsOfExternal,
  claimsOfHandle,
  describeRecord,
  recordsOfHandle,
} from '../state/external-volume.ts'
import { type ClaimRecord, isLive, type StringMap, type VolumeRecord, volumeKey } from '../state/records.ts'

/**
 * Deregister: drops the record and leaves the external volume. Refused while the external volume is claimed, by
 * any of its records. With `force` only the living claims of this record count.
 * @throws ApiError 404, 409
 */
export async function deregisterVolume(
  context: ServerContext,
  namespace: string,
  id: string,
  force: boolean,
): Promise<void> {
  const { state } = context
  await holdVolumes(context, [{ namespace, id }], async () => {
    const volume = requireVolume(state, namespace, id)
    requireUnclaimed(volume, force ? claimsOf(state, volume).filter(isLive) : claimsOfExternal(state, volume))
    removeRecord(state, volume)
  })
}

/**
 * Delete: deletes the external volume, then drops the record. Claims are checked first, and the volume's lock is
 * held throughout, so a volume in use never reaches the plugin. The intent is stored before the call: a delete
 * that a crash cut short is finished by the next start, so that no record is left without its volume.
 * @throws ApiError 404, 409, or what the plugin said
 */
export async function deleteVolume(
  context: ServerContext,
  namespace: string,
  id: string,
  headerSecrets: StringMap,
): Promise<void> {
  const { state, plugins, clock } = context
  const key = volumeKey(namespace, id)
  await holdVolumes(context, [{ namespace, id }], async () => {
    const volume = requireVolume(state, namespace, id)
    requireDeletable(state, volume)
    plugins.live(volume.pluginID)
    state.write(({ put }) =>
      put('csi_deletes', { namespace, id, secrets: headerSecrets, startedMs: clock.now() }),
    )
    await finishDelete(context, key, 'told')
  })
}

/**
 * Carries out a stored intent to delete. What the plugin refuses ends the intent, and so does another record of the
 * external volume, or its claim; a plugin that is away, or the server's own end, leaves it. The volume's lock is held by
 * the caller.
 * @param asker where it is `gone`, a call that leaves open how the first one ended leaves the intent, too
 * @throws ApiError
 */
export async function finishDelete(
  { state, plugins }: ServerContext,
  key: string,
  asker: Asker,
): Promise<void> {
  const intent = state.csi_deletes.get(key)
  const volume = state.csi_volumes.get(key)
  if (intent === undefined) return
  const dropIntent = () => state.write(({ remove }) => remove('csi_deletes', key))
  if (volume === undefined) return dropIntent()
  const { record, client, call } = plugins.live(volume.pluginID)
  try {
    requireDeletable(state, volume)
    if (!record.controller?.SupportsCreateDelete) {
      throw unprocessable(`plugin "${volume.pluginID}" does not support deleting volumes`)
    }
    await client.deleteVolume(
      { volumeId: volume.externalID, secrets: { ...volume.secrets, ...intent.secrets } },
      call,
    )
  } catch (error) {
    // A client that gets the error can ask again. When the server itself ends, the next start finishes the delete.
    const isOpen =
      call.signal?.aborted || (asker === 'gone' && error instanceof PluginError && leavesOpen(error, asker))
    if (!isOpen) dropIntent()
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
}

/** Neither claimed nor recorded a second time: the plugin deletes by the external ID alone. */
function requireDeletable(state: ServerContext['state'], volume: VolumeRecord) {
  requireUnclaimed(volume, claimsOfHandle(state, volume))
  const other = recordsOfHandle(state, volume).find((candidate) => candidate !== volume)
  if (other === undefined) return
  throw conflict(
    `volume in use: ${volume.id}: its external volume is also registered as ${describeRecord(other)}; deregister one of the two first`,
  )
}

function requireVolume(state: ServerContext['state'], namespace: string, id: string): VolumeRecord {
  const key = volumeKey(namespace, id)
  const volume = state.csi_volumes.get(key)
  if (volume !== undefined) return volume
  if (state.csi_creates.get(key) !== undefined) throw conflict(`volume "${id}" is still being created`)
  throw notFound(`volume not found: ${id}`)
}

function requireUnclaimed(volume: VolumeRecord, claims: readonly ClaimRecord[]) {
  const [claim] = claims
  if (claim === undefined) return
  const isOwn = claim.volumeID === volume.id && claim.namespace === volume.namespace
  const record = describeRecord({ id: claim.volumeID, namespace: claim.namespace })
  throw conflict(
    `volume in use: ${volume.id}${isOwn ? '' : `: its external volume is claimed by way of ${record}`}`,
  )
}

function removeRecord(state: ServerContext['state'], volume: VolumeRecord) {
  state.write(({ remove }) => {
    for (const claim of claimsOf(state, volume)) remove('csi_claims', claim.id)
    const key = volumeKey(volume.namespace, volume.id)
    remove('csi_volumes', key)
    if (state.csi_deletes.get(key) !== undefined) remove('csi_deletes', key)
  })
}
