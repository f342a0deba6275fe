import { updateVolumeRequest } from '../../plan/volume-request.ts'
import { identityOf, secretsField, type VolumeStep } from '../volume-seen.ts'

/**
 * Updates and expands the volume: Nomad has one call for both. Register if the declaration names the external volume,
 * else Create, which updates an existing volume.
 */
export const updateVolume: VolumeStep = {
  async act(input) {
    const { context, record, seen, signal } = input
    const { volume, hashes, updateHash } = seen
    if (volume === undefined) throw new Error(`${record.key}: nothing to update`)
    const { spec } = record.declaration
    const body = { ...updateVolumeRequest(spec, volume), ...secretsField(input) }
    try {
      if (spec.externalID === undefined) await context.api.createVolume(body, signal)
      else await context.api.registerVolume(body, signal)
    } finally {
      context.observer.invalidate({ volume: identityOf(record) })
    }
    return { ...record, applied: hashes, ...(updateHash === undefined ? {} : { lastUpdateHash: updateHash }) }
  },
}
