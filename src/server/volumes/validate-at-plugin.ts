import { status } from '@grpc/grpc-js'
import type { VolumeCapability__Output } from '../../csi/generated/csi/v1/VolumeCapability.ts'
import { toInt64 } from '../../csi/present.ts'
import type { Int64 } from '../../lib/json.ts'
import { unprocessable } from '../errors.ts'
import { pluginFailure } from '../plugins/plugin-failure.ts'
import type { LivePlugin } from '../plugins/registry.ts'
import type { VolumeRecord } from '../state/records.ts'
import { toCsiCapability } from './csi-requests.ts'

/**
 * Asks the plugin whether it has the external volume and can serve it as requested. A plugin without a
 * controller cannot be asked. A plugin that confirms nothing, which Nomad lets pass, does not confirm
 * (CSI, ValidateVolumeCapabilities).
 * @throws ApiError
 */
export async function validateAtPlugin(
  { record, client, call }: LivePlugin,
  volume: VolumeRecord,
): Promise<void> {
  if (record.controller === undefined) return
  const wanted = volume.requestedCapabilities.map((capability) =>
    toCsiCapability(capability, volume.mountOptions),
  )
  try {
    const { confirmed, message } = await client.validateVolumeCapabilities(
      {
        volumeId: volume.externalID,
        volumeContext: volume.context,
        volumeCapabilities: wanted,
        parameters: volume.parameters,
        secrets: volume.secrets,
      },
      call,
    )
    const isConfirmed = (capability: (typeof wanted)[number]) =>
      confirmed?.volumeCapabilities.some((other) => sameCapability(other, capability)) ?? false
    if (!wanted.every(isConfirmed)) {
      throw unprocessable(
        `volume capability validation failed: ${message || 'the plugin did not confirm every requested capability'}`,
      )
    }
  } catch (error) {
    throw asApiError(error, volume)
  }
}

/** The capacity of an external volume in bytes; 0: its plugin does not tell that of one volume. @throws ApiError */
export async function capacityAtPlugin(
  { record, client, call }: LivePlugin,
  volume: VolumeRecord,
): Promise<Int64> {
  if (!record.controller?.SupportsGet) return 0
  try {
    const answer = await client.controllerGetVolume({ volumeId: volume.externalID }, call)
    return toInt64(answer.volume?.capacityBytes ?? 0n)
  } catch (error) {
    throw asApiError(error, volume)
  }
}

const asApiError = (error: unknown, { externalID }: VolumeRecord) =>
  pluginFailure(error, {
    operation: 'controller validate volume: CSI.ControllerValidateVolume',
    meanings: {
      [status.NOT_FOUND]: `volume "${externalID}" could not be found`,
      [status.INTERNAL]: 'controller plugin returned an internal error',
    },
  })

/** By access mode and kind; a plugin need not repeat the mount options. An unknown mode is tolerated, as in Nomad. */
function sameCapability(
  confirmed: VolumeCapability__Output,
  wanted: ReturnType<typeof toCsiCapability>,
): boolean {
  const mode = confirmed.accessMode?.mode ?? 'UNKNOWN'
  const isBlock = confirmed.accessType === 'block'
  return (mode === 'UNKNOWN' || mode === wanted.accessMode?.mode) && isBlock === (wanted.block !== undefined)
}
