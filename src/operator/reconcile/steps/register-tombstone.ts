import { OperationError } from '../../../lib/errors.ts'
import { tombstoneID } from '../../plan/identity.ts'
import { newVolumeRequest } from '../../plan/volume-request.ts'
import { recordedExternalID, secretsField, type VolumeStep } from '../volume-seen.ts'

/** Registers the external volume under an ID that nothing claims, so that the delete cannot reach a volume in use. */
export const registerTombstone: VolumeStep = {
  intend({ record }) {
    const id = tombstoneID(record.key, recordedExternalID(record))
    return { ...record, end: { phase: 'register-tombstone', tombstoneID: id } }
  },
  async act(input) {
    const { context, record, signal } = input
    const { capacity: _, ...spec } = record.declaration.spec
    const { csiName, context: recorded } = record
    const externalID = recordedExternalID(record)
    const volumeID = tombstoneID(record.key, externalID)
    const request = newVolumeRequest(spec, {
      csiName,
      externalID,
      ...(recorded === undefined ? {} : { context: recorded }),
    })
    try {
      await context.api.registerVolume({ ...request, ID: volumeID, ...secretsField(input) }, signal)
    } catch (error) {
      // Where the plugin lists nothing, only this shows that nothing is left to delete.
      if (!(error instanceof OperationError) || error.reason !== 'ExternalVolumeNotFound') throw error
      return { ...record, end: { phase: 'register-tombstone', tombstoneID: volumeID, isGone: true } }
    } finally {
      context.observer.invalidate({ volume: { namespace: spec.namespace, volumeID } })
    }
    return record
  },
}
