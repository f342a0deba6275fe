import { updateVolumeRequest } from '../../plan/volume-request.ts'
import { identityOf, secretsField, type VolumeStep } from '../volume-seen.ts'

/**
 * Changes what may change, growth included: Nomad has one call for both. By Register where the
 * declaration names the external volume, else by Create, which updates a volume that exists.
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
