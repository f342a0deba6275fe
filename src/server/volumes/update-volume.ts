import { status } from '@grpc/grpc-js'
import { toInt64 } from '../../csi/present.ts'
import type { ServerContext } from '../context.ts'
import { conflict, unprocessable } from '../errors.ts'
import { pluginFailure } from '../plugins/plugin-failure.ts'
import type { LivePlugin } from '../plugins/registry.ts'
import { claimsOf } from '../state/claims-of.ts'
import { claimsOfExternal } from '../state/external-volume.ts'
import type { VolumeRecord } from '../state/records.ts'
import { toCapacityRange, toCsiCapability } from './csi-requests.ts'
import type { ParsedDefinition } from './parse-definition.ts'
import { planUpdate } from './plan-update.ts'

export type UpdateOf = Extract<ReturnType<typeof planUpdate>, { type: 'update' }>

/**
 * What Register or Create of a volume that is there changes. Nothing: undefined where the server takes that as
 * Nomad does, else 409 as the public page has it.
 * @throws ApiError 409, also where something is to change that cannot
 */
export function requireUpdate(
  { state, registration }: ServerContext,
  volume: VolumeRecord,
  parsed: ParsedDefinition,
): UpdateOf | undefined {
  const plan = planUpdate(volume, parsed, claimsOf(state, volume))
  if (plan.type === 'same') {
    if (registration === 'nomad') return undefined
    throw conflict(
      `volume "${volume.id}" already exists, with this very definition; mooring server --registration=nomad answers 200 to that, as Nomad does`,
    )
  }
  if (plan.type === 'refused') {
    throw conflict(`unable to update volume "${volume.id}": ${plan.conflicts.join(', ')}`)
  }
  return plan
}

/** Grows the external volume where the update asks for it; the record as it is to be stored. @throws ApiError */
export async function expandForUpdate(
  { state }: ServerContext,
  { record, client, call }: LivePlugin,
  { volume, expand }: UpdateOf,
): Promise<VolumeRecord> {
  if (expand === undefined) return volume
  if (!record.controller?.SupportsExpand) {
    throw unprocessable('unable to update volume: expand is not implemented by this controller plugin')
  }
  const claims = claimsOfExternal(state, volume)
  const [claim] = claims
  try {
    const { capacityBytes, nodeExpansionRequired } = await client.controllerExpandVolume(
      {
        volumeId: volume.externalID,
        capacityRange: toCapacityRange(expand.minBytes, expand.maxBytes),
        secrets: volume.secrets,
        volumeCapability: claim === undefined ? null : toCsiCapability(claim, volume.mountOptions),
      },
      call,
    )
    // The file system grows where the volume is published; one that nobody claims grows when it is staged.
    for (const { targetPath, stagingPath } of nodeExpansionRequired ? claims : []) {
      await client.nodeExpandVolume(
        {
          volumeId: volume.externalID,
          volumePath: targetPath,
          stagingTargetPath: stagingPath,
          capacityRange: toCapacityRange(expand.minBytes, expand.maxBytes),
        },
        call,
      )
    }
    return { ...volume, capacity: toInt64(capacityBytes) }
  } catch (error) {
    throw pluginFailure(error, {
      operation: 'unable to update volume: unable to expand volume: CSI.ControllerExpandVolume',
      meanings: {
        [status.INVALID_ARGUMENT]: `requested capabilities not compatible with volume "${volume.externalID}"`,
        [status.NOT_FOUND]: `volume "${volume.externalID}" could not be found`,
        [status.FAILED_PRECONDITION]: `volume "${volume.externalID}" cannot be expanded online`,
        [status.OUT_OF_RANGE]: `unsupported capacity_range for volume "${volume.externalID}"`,
      },
    })
  }
}
